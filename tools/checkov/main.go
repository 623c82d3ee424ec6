// Command checkov runs checkov's security checks on a synthesized stack. Every failed
// check must have a waiver in .ci/checkov/waivers.json, with a reason and a date; an
// unused or expired waiver is an error too.
//
// Run it from the repository's top folder,
//
//	go run ./tools/checkov cdktf.out/stacks/portfolio-dev/cdk.tf.json [WAIVERS]
//
// for the standard profile. The waivers apply to that profile; other stacks have their own
// file. It does not use the network.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"
)

const (
	checkovPath = "build/tools/checkov/bin/checkov" // installed from .ci/checkov/requirements.txt
	waiversPath = ".ci/checkov/waivers.json"
)

// Exit statuses: 1 if a check fails, 2 if the stack cannot be checked.
const (
	exitProblems = 1
	exitUnable   = 2
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	status := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}

// run checks the stack named by the first argument and prints one line per problem.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) == 1 {
		args = append(args, waiversPath)
	}
	if len(args) != 2 {
		fmt.Fprintln(stderr, "usage: go run ./tools/checkov PATH-OF-cdk.tf.json [WAIVERS]")
		return exitUnable
	}
	problems, summary, err := check(ctx, args[0], args[1])
	if err != nil {
		fmt.Fprintln(stderr, "checkov:", err)
		return exitUnable
	}
	for _, problem := range problems {
		fmt.Fprintln(stdout, problem)
	}
	fmt.Fprintln(stdout, summary)
	if len(problems) > 0 {
		return exitProblems
	}
	return 0
}

func check(ctx context.Context, stackPath, waiversPath string) (problems []string, summary string, err error) {
	waivers, err := readWaivers(waiversPath)
	if err != nil {
		return nil, "", err
	}
	s, err := readStack(stackPath)
	if err != nil {
		return nil, "", err
	}
	result, err := runCheckov(ctx, checkovPath, s)
	if err != nil {
		return nil, "", err
	}
	problems = judge(result.Failed, waivers, time.Now())
	summary = fmt.Sprintf("checkov: %d checks passed, %d failed, %d problems", result.Passed,
		len(result.Failed), len(problems))
	return problems, summary, nil
}
