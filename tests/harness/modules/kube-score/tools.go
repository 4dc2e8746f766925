//go:build tools

// Package tools names the command that the harness builds, so that `go mod tidy` keeps it.
package tools

import _ "github.com/zegl/kube-score/cmd/kube-score"
