// Command load is the load side of the bench: an MCP server, a load generator and a cold-start clock.
//
// It uses net/http as common clients and servers do: with a leaner load the proxies' events come in larger batches,
// and the figures no longer compare with those that the budgets were set by.
package main

import (
	"fmt"
	"os"
)

func main() {
	commands := map[string]func([]string) error{"backend": backend, "stdio": stdio, "run": run, "cold": cold}
	if len(os.Args) < 2 || commands[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: load backend|stdio|run|cold [flags]")
		os.Exit(2)
	}
	if err := commands[os.Args[1]](os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}
