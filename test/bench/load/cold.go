package main

import (
	"flag"
	"fmt"
	"os/exec"
	"syscall"
	"time"
)

// cold starts a program again and again and prints milliseconds until its first good answer, a line each.
func cold(args []string) error {
	flags := flag.NewFlagSet("cold", flag.ExitOnError)
	to := targetFlags(flags)
	times := flags.Int("times", 5, "how often")
	flags.Parse(args)
	for range *times {
		took, err := startOnce(*to, flags.Args())
		if err != nil {
			return err
		}
		fmt.Printf("%.2f\n", float64(took.Microseconds())/1000)
	}
	return nil
}

func startOnce(to target, command []string) (time.Duration, error) {
	process := exec.Command(command[0], command[1:]...)
	from := time.Now()
	if err := process.Start(); err != nil {
		return 0, err
	}
	defer stop(process)
	for time.Since(from) < 10*time.Second {
		// A new client each: nothing is listening yet.
		status, _, err := newClient(to).post(fmt.Sprintf(bodies["echo"], 1))
		if err == nil && status == 200 {
			return time.Since(from), nil
		}
		time.Sleep(500 * time.Microsecond)
	}
	return 0, fmt.Errorf("no answer within 10 s from %v", command)
}

func stop(process *exec.Cmd) {
	process.Process.Signal(syscall.SIGTERM)
	timer := time.AfterFunc(5*time.Second, func() { process.Process.Kill() })
	defer timer.Stop()
	process.Wait()
}
