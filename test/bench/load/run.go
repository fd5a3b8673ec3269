package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"
)

// result is what a round prints, as one line of JSON.
type result struct {
	Calls       int     `json:"calls"`
	Failed      int     `json:"failed"`
	FirstFault  string  `json:"firstFault,omitempty"`
	CallsPerSec float64 `json:"callsPerSecond"`
	P50         float64 `json:"p50Us"`
	P99         float64 `json:"p99Us"`
	AnswerBytes int     `json:"answerBytes"`
}

// run keeps N connections busy, each with one call at a time, for the time given.
func run(args []string) error {
	flags := flag.NewFlagSet("run", flag.ExitOnError)
	to := targetFlags(flags)
	kind := flags.String("call", "echo", "echo, blob, list or modern")
	connections := flags.Int("connections", 32, "connections")
	duration := flags.Duration("duration", 2*time.Second, "how long")
	sessions := flags.Bool("sessions", true, "initialize each connection and send its session id")
	shared := flags.Bool("shared", false, "all connections in the session of the first one")
	flags.Parse(args)

	workers := make([]*worker, *connections)
	for i := range workers {
		workers[i] = &worker{client: newClient(*to), id: 1_000_000 + i*100_000}
		if *kind == "modern" {
			workers[i].client.speakModern()
		}
		if *shared && i > 0 {
			workers[i].client.header = workers[0].client.header
		} else if *sessions {
			if err := workers[i].client.initialize(); err != nil {
				return err
			}
		}
	}
	var group sync.WaitGroup
	from := time.Now()
	for _, each := range workers {
		group.Go(func() { each.work(bodies[*kind], from.Add(*duration)) })
	}
	group.Wait()
	return json.NewEncoder(os.Stdout).Encode(summary(workers, time.Since(from)))
}

// bodies lack their id, which follows.
var bodies = map[string]string{
	"modern": `{"jsonrpc":"2.0","method":"tools/call","params":{"name":"echo","arguments":{"text":"x","limit":20},"_meta":{` +
		`"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{},` +
		`"io.modelcontextprotocol/clientInfo":{"name":"bench","version":"1.0.0"}}},"id":%d}`,
	"list": `{"jsonrpc":"2.0","method":"tools/list","params":{},"id":%d}`,
	"blob": `{"jsonrpc":"2.0","method":"tools/call","params":{"name":"blob","arguments":{"text":"x"}},"id":%d}`,
	"echo": `{"jsonrpc":"2.0","method":"tools/call","params":{"name":"echo","arguments":{"text":"` +
		"the quick brown fox jumps over the lazy dog; the quick brown fox jumps over the lazy dog; the quick brown " +
		`fox jumps over the lazy dog; the quick brown fox","limit":20},"_meta":{"progressToken":"p-1"}},"id":%d}`,
}

// worker has one connection, one session and one call at a time.
type worker struct {
	client    *client
	id        int
	latencies []time.Duration
	failed    int
	fault     string
	bytes     int
}

func (w *worker) work(body string, until time.Time) {
	for now := time.Now(); now.Before(until); {
		w.id++
		status, answer, err := w.client.post(fmt.Sprintf(body, w.id))
		done := time.Now()
		if err != nil {
			w.failed, w.fault = w.failed+1, err.Error()
			return
		}
		if status != 200 || !bytes.Contains(answer[:min(len(answer), 512)], []byte(`"result"`)) {
			w.failed, w.fault = w.failed+1, fmt.Sprintf("HTTP %d: %.200s", status, answer)
		}
		w.bytes = len(answer)
		w.latencies = append(w.latencies, done.Sub(now))
		now = done
	}
}

func summary(workers []*worker, took time.Duration) result {
	var all []time.Duration
	var r result
	for _, each := range workers {
		all = append(all, each.latencies...)
		r.Failed += each.failed
		if each.fault != "" {
			r.FirstFault = each.fault
		}
		r.AnswerBytes = max(r.AnswerBytes, each.bytes)
	}
	slices.Sort(all)
	r.Calls = len(all)
	r.CallsPerSec = float64(len(all)) / took.Seconds()
	if len(all) > 0 {
		r.P50 = float64(all[len(all)/2].Nanoseconds()) / 1000
		r.P99 = float64(all[len(all)*99/100].Nanoseconds()) / 1000
	}
	return r
}
