package main

import (
	"bytes"
	"flag"
	"fmt"
	"net"
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
	for {
		connection, err := listener.Accept()
		if err != nil {
			return err
		}
		go serve(connection)
	}
}

var (
	tools  = toolList()
	blob   = `{"content":[{"type":"text","text":"` + strings.Repeat("0123456789abcdef", 4096) + `"}]}`
	echoed = `{"content":[{"type":"text","text":"` + strings.Repeat("the quick brown fox; ", 10) + `"}],"isError":false}`
)

const initialized = `{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"bench","version":"1.0.0"}}`

// toolList has 22 tools that the bench's filter allows (`echo`, `blob`, `get_…`) and 22 that it does not.
func toolList() string {
	list := []string{tool("echo"), tool("blob")}
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
		` does, told in a sentence or two of the length that descriptions of tools usually have.","inputSchema":{"type":"object","properties":{"text":` +
		`{"type":"string","description":"What to work on"},"limit":{"type":"integer"}},"required":["text"]},` +
		`"annotations":{"readOnlyHint":true}}`
}

func serve(connection net.Conn) {
	defer connection.Close()
	in := newReader(connection)
	var out []byte
	for {
		request, err := in.next()
		if err != nil {
			return
		}
		out = answer(out[:0], request)
		if _, err := connection.Write(out); err != nil || request.close {
			return
		}
	}
}

func answer(out []byte, request message) []byte {
	if !bytes.HasPrefix(request.start, []byte("POST ")) {
		return status(out, "405 Method Not Allowed")
	}
	id := requestID(request.body)
	switch {
	case id == nil:
		return status(out, "202 Accepted")
	case has(request.body, `"name":"echo"`):
		return reply(out, "", id, echoed)
	case has(request.body, `"name":"blob"`):
		return reply(out, "", id, blob)
	case has(request.body, `"method":"tools/list"`):
		return reply(out, "", id, tools)
	case has(request.body, `"method":"initialize"`):
		return reply(out, "Mcp-Session-Id: 5f0c1a52-6a0b-4f1e-9d3c-2b7a8e4d6c10\r\n", id, initialized)
	case has(request.body, `"method":"ping"`):
		return reply(out, "", id, "{}")
	}
	body := `{"jsonrpc":"2.0","id":` + string(id) + `,"error":{"code":-32601,"message":"Method not found"}}`
	return append(out, "HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nContent-Length: "+
		strconv.Itoa(len(body))+"\r\n\r\n"+body...)
}

func reply(out []byte, headers string, id []byte, result string) []byte {
	const before, between, after = `{"jsonrpc":"2.0","id":`, `,"result":`, `}`
	length := len(before) + len(id) + len(between) + len(result) + len(after)
	out = append(out, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nCache-Control: no-cache\r\n"...)
	out = append(append(out, headers...), "Content-Length: "...)
	out = append(strconv.AppendInt(out, int64(length), 10), "\r\n\r\n"...)
	out = append(append(append(out, before...), id...), between...)
	return append(append(out, result...), after...)
}

func status(out []byte, line string) []byte {
	return append(out, "HTTP/1.1 "+line+"\r\nContent-Length: 0\r\n\r\n"...)
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
