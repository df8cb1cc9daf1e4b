//go:build tools

// Package networkpolicy names the program that enforces NetworkPolicies, so that go.mod pins its version.
package networkpolicy

import _ "github.com/cloudnativelabs/kube-router/v2/cmd/kube-router"
