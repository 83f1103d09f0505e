// kubectl, of the same parts as Kubernetes' own. scripts/setup builds it for the tests where the machine has no kubectl, or one that
// is too old, and there is no package of one either.
package main

import (
	"k8s.io/component-base/cli"
	"k8s.io/kubectl/pkg/cmd"
	"k8s.io/kubectl/pkg/cmd/util"
)

func main() {
	if err := cli.RunNoErrOutput(cmd.NewDefaultKubectlCommand()); err != nil {
		util.CheckErr(err)
	}
}
