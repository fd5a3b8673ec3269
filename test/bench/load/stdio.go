package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
)

// stdio is the backend's server as one of stdio, of sessions alone: the same tools, and some that tell their
// progress, never answer, or end it.
func stdio([]string) error {
	in := bufio.NewReaderSize(os.Stdin, 1<<16)
	out := bufio.NewWriterSize(os.Stdout, 1<<16)
	for {
		line, err := in.ReadBytes('\n')
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		say(out, line)
		if in.Buffered() == 0 {
			if err := out.Flush(); err != nil {
				return err
			}
		}
	}
}

func say(out io.Writer, line []byte) {
	id := requestID(line)
	if id == nil {
		return
	}
	answer := func(result string) { fmt.Fprintf(out, `{"jsonrpc":"2.0","id":%s,"result":%s}`+"\n", id, result) }
	switch {
	case has(line, `"name":"burst"`):
		token, whose := value(line, "progressToken"), value(line, "text")
		for i := range burst {
			fmt.Fprintf(out, `{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":%s,"progress":%d,`+
				`"total":%d,"message":%s}}`+"\n", token, i+1, burst, whose)
		}
		answer(echoed)
	case has(line, `"name":"silent"`):
	case has(line, `"name":"die"`):
		os.Exit(3)
	case has(line, `"name":"echo"`):
		answer(echoed)
	case has(line, `"method":"tools/list"`):
		answer(stdioTools)
	case has(line, `"method":"initialize"`):
		answer(initialized)
	case has(line, `"method":"ping"`):
		answer("{}")
	default:
		fmt.Fprintf(out, `{"jsonrpc":"2.0","id":%s,"error":{"code":-32601,"message":"Method not found"}}`+"\n", id)
	}
}

var stdioTools = toolList("burst", "silent", "die")

// burst is how many notifications a call of the tool is answered with.
const burst = 50

// value is the number or string without escapes that the key has.
func value(line []byte, key string) []byte {
	_, rest, _ := bytes.Cut(line, []byte(`"`+key+`":`))
	rest = bytes.TrimSpace(rest)
	if end := bytes.IndexAny(rest, ",}"); end >= 0 {
		return rest[:end]
	}
	return []byte("null")
}
