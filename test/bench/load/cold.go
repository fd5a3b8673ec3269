package main

import (
	"bytes"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"time"
)

// cold starts a program again and again and prints a line of JSON each: milliseconds until its first good answer.
func cold(args []string) error {
	flags := flag.NewFlagSet("cold", flag.ExitOnError)
	address := flags.String("address", "", "host:port of the proxy")
	path := flags.String("path", "/mcp", "path of the endpoint")
	token := flags.String("token", "", "bearer token")
	times := flags.Int("times", 5, "how often")
	flags.Parse(args)
	to := target{address: *address, path: *path, token: *token}
	for range *times {
		took, err := startOnce(to, flags.Args())
		if err != nil {
			return err
		}
		fmt.Printf("%.2f\n", float64(took.Microseconds())/1000)
	}
	return nil
}

func startOnce(to target, command []string) (time.Duration, error) {
	process := exec.Command(command[0], command[1:]...)
	process.Stderr = os.Stderr
	from := time.Now()
	if err := process.Start(); err != nil {
		return 0, err
	}
	defer process.Wait()
	defer process.Process.Signal(os.Interrupt)
	for time.Since(from) < 10*time.Second {
		if answers(to) {
			return time.Since(from), nil
		}
		time.Sleep(500 * time.Microsecond)
	}
	return 0, fmt.Errorf("no answer within 10 s from %v", command)
}

func answers(to target) bool {
	connection, err := net.DialTimeout("tcp", to.address, time.Second)
	if err != nil {
		return false
	}
	defer connection.Close()
	connection.SetDeadline(time.Now().Add(10 * time.Second))
	w := &worker{connection: connection, in: newReader(connection)}
	answer, err := w.exchange(post(to, bodies["echo"]))
	return err == nil && bytes.Contains(answer.start, []byte(" 200"))
}
