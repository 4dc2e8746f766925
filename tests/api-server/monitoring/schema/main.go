// Reads Grafana dashboards strictly: by Grafana's own published types, with no field that they do not know.
package main

import (
	"fmt"
	"os"

	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// The library gives an empty list of errors, which is no nil, where there are none.
func isError(err error) bool {
	return err != nil && err.Error() != ""
}

func main() {
	plugins.RegisterDefaultPlugins()
	failed := false
	for _, path := range os.Args[1:] {
		text, err := os.ReadFile(path)
		var read dashboard.Dashboard
		if err == nil {
			err = read.UnmarshalJSONStrict(text)
		}
		if !isError(err) {
			err = read.Validate()
		}
		if isError(err) {
			fmt.Printf("%s: %v\n", path, err)
			failed = true
			continue
		}
		fmt.Printf("%s: %d panels\n", path, len(read.Panels))
	}
	if failed {
		os.Exit(1)
	}
}
