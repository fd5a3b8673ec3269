package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net"
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

type target struct{ address, path, token, session string }

// run keeps N connections busy, each with one call at a time, for the time given.
func run(args []string) error {
	flags := flag.NewFlagSet("run", flag.ExitOnError)
	address := flags.String("address", "", "host:port of the proxy")
	path := flags.String("path", "/mcp", "path of the endpoint")
	token := flags.String("token", "", "bearer token")
	kind := flags.String("call", "echo", "echo, blob or list")
	connections := flags.Int("connections", 32, "connections")
	duration := flags.Duration("duration", 2*time.Second, "how long")
	sessions := flags.Bool("sessions", true, "initialize each connection and send its session id")
	flags.Parse(args)

	workers := make([]*worker, *connections)
	for i := range workers {
		var err error
		to := target{address: *address, path: *path, token: *token}
		if workers[i], err = connect(to, *kind, *sessions, i); err != nil {
			return err
		}
	}
	var group sync.WaitGroup
	from := time.Now()
	for _, each := range workers {
		group.Go(func() { each.work(from.Add(*duration)) })
	}
	group.Wait()
	return json.NewEncoder(os.Stdout).Encode(summary(workers, time.Since(from)))
}

type worker struct {
	connection net.Conn
	in         *reader
	request    []byte
	idAt       int
	latencies  []time.Duration
	failed     int
	fault      string
	bytes      int
}

var bodies = map[string]string{
	"list": `{"jsonrpc":"2.0","id":1000000,"method":"tools/list","params":{}}`,
	"blob": `{"jsonrpc":"2.0","id":1000000,"method":"tools/call","params":{"name":"blob","arguments":{"text":"x"}}}`,
	"echo": `{"jsonrpc":"2.0","id":1000000,"method":"tools/call","params":{"name":"echo","arguments":{"text":"` +
		"the quick brown fox jumps over the lazy dog; the quick brown fox jumps over the lazy dog; the quick brown " +
		`fox jumps over the lazy dog; the quick brown fox","limit":20},"_meta":{"progressToken":"p-1"}}}`,
}

func connect(to target, kind string, sessions bool, index int) (*worker, error) {
	connection, err := net.Dial("tcp", to.address)
	if err != nil {
		return nil, err
	}
	w := &worker{connection: connection, in: newReader(connection), latencies: make([]time.Duration, 0, 1<<17)}
	if sessions {
		if to.session, err = w.initialize(to); err != nil {
			return nil, err
		}
	}
	body := fmt.Sprintf("%07d", 1000000+index*1000)
	w.request = post(to, string(bytes.Replace([]byte(bodies[kind]), []byte("1000000"), []byte(body), 1)))
	w.idAt = bytes.Index(w.request, []byte(`"id":`)) + 5
	return w, nil
}

func (w *worker) initialize(to target) (string, error) {
	body := `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},` +
		`"clientInfo":{"name":"bench","version":"1.0.0"}}}`
	answer, err := w.exchange(post(to, body))
	if err != nil {
		return "", err
	}
	if !bytes.Contains(answer.start, []byte(" 200")) {
		return "", fmt.Errorf("initialize: %s: %.200s", answer.start, answer.body)
	}
	to.session = string(answer.session)
	_, err = w.exchange(post(to, `{"jsonrpc":"2.0","method":"notifications/initialized"}`))
	return to.session, err
}

func (w *worker) exchange(request []byte) (message, error) {
	if _, err := w.connection.Write(request); err != nil {
		return message{}, err
	}
	return w.in.next()
}

func (w *worker) work(until time.Time) {
	for now := time.Now(); now.Before(until); {
		w.nextID()
		answer, err := w.exchange(w.request)
		done := time.Now()
		if err != nil {
			w.failed, w.fault = w.failed+1, err.Error()
			return
		}
		head := answer.body[:min(len(answer.body), 64)]
		if !bytes.Contains(answer.start, []byte(" 200")) || !bytes.Contains(head, []byte(`"result"`)) {
			w.failed, w.fault = w.failed+1, fmt.Sprintf("%s: %.200s", answer.start, answer.body)
		}
		w.bytes = answer.bytesRead
		w.latencies = append(w.latencies, done.Sub(now))
		now = done
	}
}

// nextID counts the request's id up in place: seven digits, so that lengths stay.
func (w *worker) nextID() {
	for at := w.idAt + 6; at >= w.idAt; at-- {
		if w.request[at]++; w.request[at] <= '9' {
			return
		}
		w.request[at] = '0'
	}
}

func post(to target, body string) []byte {
	head := "POST " + to.path + " HTTP/1.1\r\nHost: " + to.address + "\r\nUser-Agent: bench\r\n" +
		"Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n"
	if to.token != "" {
		head += "Authorization: Bearer " + to.token + "\r\n"
	}
	if !bytes.Contains([]byte(body), []byte(`"initialize"`)) {
		head += "MCP-Protocol-Version: 2025-11-25\r\n"
	}
	if to.session != "" {
		head += "Mcp-Session-Id: " + to.session + "\r\n"
	}
	return fmt.Appendf(nil, "%sContent-Length: %d\r\n\r\n%s", head, len(body), body)
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
