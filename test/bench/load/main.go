// Command load is the load side of the bench: a fast MCP server, a load generator and a cold-start clock.
//
// HTTP is written by hand here because net/http costs more per call than the proxies under test.
package main

import (
	"fmt"
	"os"
)

func main() {
	commands := map[string]func([]string) error{"backend": backend, "run": run, "cold": cold}
	if len(os.Args) < 2 || commands[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: load backend|run|cold [flags]")
		os.Exit(2)
	}
	if err := commands[os.Args[1]](os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}
