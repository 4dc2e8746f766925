// Command trivy-checks judges the Kubernetes manifests of a folder by Trivy's own checks, which its module carries, and
// prints what it found as JSON. It is Trivy's scanner of manifests without those of images, languages and clouds, which take
// most of the time of building the whole program, and without any download of newer checks.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/aquasecurity/trivy/pkg/iac/rego"
	"github.com/aquasecurity/trivy/pkg/iac/scanners/kubernetes"
)

// What the tests read.
type report struct {
	Passed   int       `json:"passed"`
	Findings []finding `json:"findings"`
}

type finding struct {
	File  string `json:"file"`
	Check string `json:"check"`
	Says  string `json:"says"`
}

func main() {
	if len(os.Args) != 2 {
		fail(fmt.Errorf("usage: trivy-checks FOLDER"))
	}
	found, err := judge(os.Args[1])
	if err != nil {
		fail(err)
	}
	if err := json.NewEncoder(os.Stdout).Encode(found); err != nil {
		fail(err)
	}
}

func judge(folder string) (report, error) {
	scanner := kubernetes.NewScanner(rego.WithEmbeddedPolicies(true), rego.WithEmbeddedLibraries(true))
	results, err := scanner.ScanFS(context.Background(), os.DirFS(folder), ".")
	if err != nil {
		return report{}, err
	}
	found := report{Passed: len(results.GetPassed()), Findings: []finding{}}
	for _, result := range results.GetFailed() {
		file := result.Metadata().Range().GetFilename()
		found.Findings = append(found.Findings, finding{file, result.Rule().ID, result.Description()})
	}
	return found, nil
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
