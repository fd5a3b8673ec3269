package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
)

// backend is an MCP server of the 2025-11-25 era: sessions, JSON answers, no GET stream, 44 tools in 15 KB.
func backend(args []string) error {
	flags := flag.NewFlagSet("backend", flag.ExitOnError)
	address := flags.String("listen", "127.0.0.1:0", "address to listen on; the one taken is printed")
	flags.Parse(args)
	listener, err := net.Listen("tcp", *address)
	if err != nil {
		return err
	}
	fmt.Println(listener.Addr())
	return http.Serve(listener, http.HandlerFunc(answer))
}

var (
	tools  = toolList()
	blob   = `{"content":[{"type":"text","text":"` + strings.Repeat("0123456789abcdef", 4096) + `"}]}`
	echoed = `{"content":[{"type":"text","text":"` + strings.Repeat("the quick brown fox; ", 10) + `"}],"isError":false}`
)

const initialized = `{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"bench","version":"1.0.0"}}`

// toolList has 22 tools that the bench's filter allows (`echo`, `blob`, `get_…`) and 22 that it does not.
func toolList(more ...string) string {
	list := []string{tool("echo"), tool("blob")}
	for _, each := range more {
		list = append(list, tool(each))
	}
	for i := range 20 {
		list = append(list, tool(fmt.Sprintf("get_%02d", i)))
	}
	for i := range 22 {
		list = append(list, tool(fmt.Sprintf("delete_%02d", i)))
	}
	return `{"tools":[` + strings.Join(list, ",") + `]}`
}

func tool(name string) string {
	return `{"name":"` + name + `","title":"The tool ` + name + `","description":"What ` + name +
		` does, told in a sentence or two of the length that descriptions of tools usually have.",` +
		`"inputSchema":{"type":"object","properties":{"text":{"type":"string","description":"What to work on"},` +
		`"limit":{"type":"integer"}},"required":["text"]},"annotations":{"readOnlyHint":true}}`
}

func answer(response http.ResponseWriter, request *http.Request) {
	if request.Method != http.MethodPost {
		response.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return
	}
	id := requestID(body)
	switch {
	case id == nil:
		response.WriteHeader(http.StatusAccepted)
	case has(body, `"name":"echo"`), has(body, `"name":"get_00"`):
		reply(response, id, echoed)
	case has(body, `"name":"blob"`):
		reply(response, id, blob)
	case has(body, `"method":"tools/list"`):
		reply(response, id, tools)
	case has(body, `"method":"initialize"`):
		response.Header().Set("Mcp-Session-Id", "5f0c1a52-6a0b-4f1e-9d3c-2b7a8e4d6c10")
		reply(response, id, initialized)
	case has(body, `"method":"ping"`):
		reply(response, id, "{}")
	default:
		write(response, http.StatusNotFound,
			`{"jsonrpc":"2.0","id":`+string(id)+`,"error":{"code":-32601,"message":"Method not found"}}`)
	}
}

func reply(response http.ResponseWriter, id []byte, result string) {
	write(response, http.StatusOK, `{"jsonrpc":"2.0","id":`+string(id)+`,"result":`+result+`}`)
}

func write(response http.ResponseWriter, status int, body string) {
	response.Header().Set("Content-Type", "application/json")
	response.Header().Set("Content-Length", strconv.Itoa(len(body)))
	response.WriteHeader(status)
	io.WriteString(response, body)
}

func has(body []byte, text string) bool { return bytes.Contains(body, []byte(text)) }

func requestID(body []byte) []byte {
	at := bytes.Index(body, []byte(`"id":`))
	if at < 0 {
		return nil
	}
	rest := body[at+5:]
	end := bytes.IndexAny(rest, ",}")
	if end < 0 {
		return nil
	}
	return bytes.TrimSpace(rest[:end])
}
