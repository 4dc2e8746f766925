// Command container is what runs in the pods of the tests, in one static binary:
//
//	container pause             holds a pod's namespaces
//	container serve ADDRESS     answers every request with the name of its pod
//	container get URL           prints what somebody answers
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	// As PID 1 it has no default action for SIGTERM: without this every pod would take its whole grace period to end.
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGTERM, syscall.SIGINT)
	switch {
	case len(os.Args) == 2 && os.Args[1] == "pause":
		<-end
	case len(os.Args) == 3 && os.Args[1] == "serve":
		go serve(os.Args[2])
		<-end
	case len(os.Args) == 3 && os.Args[1] == "get":
		get(os.Args[2])
	default:
		fail(fmt.Errorf("usage: container pause | serve ADDRESS | get URL"))
	}
}

func serve(address string) {
	name, err := os.Hostname()
	if err != nil {
		fail(err)
	}
	fail(http.ListenAndServe(address, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, name)
	})))
}

func get(url string) {
	client := http.Client{Timeout: 10 * time.Second}
	answer, err := client.Get(url)
	if err != nil {
		fail(err)
	}
	if _, err := io.Copy(os.Stdout, answer.Body); err != nil {
		fail(err)
	}
	if answer.StatusCode != http.StatusOK {
		fail(fmt.Errorf("%s answered %s", url, answer.Status))
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
