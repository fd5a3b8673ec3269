// Command server is an MCP server of both eras that outlasts rude clients: sessions that nobody uses are forgotten, and
// it says how many sessions, streams and calls it sees.
package main

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	sessionTTL = 20 * time.Second
	modern     = "2026-07-28"
	legacy     = "2025-11-25"
)

type message struct {
	ID     json.RawMessage `json:"id"`
	Method string          `json:"method"`
	Params struct {
		Name      string `json:"name"`
		Arguments struct {
			Text   string `json:"text"`
			WaitMs int    `json:"wait_ms"`
			Bytes  int    `json:"bytes"`
		} `json:"arguments"`
		Meta map[string]json.RawMessage `json:"_meta"`
	} `json:"params"`
}

var (
	lock      sync.Mutex
	sessions  = map[string]time.Time{}
	listeners = map[chan string]struct{}{}
	calls     atomic.Int64
	opened    struct{ sessions, streams atomic.Int64 }
)

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	go forget()
	go endWithParent()
	mux := http.NewServeMux()
	mux.HandleFunc("/mcp", answer)
	mux.HandleFunc("/stats", stats)
	mux.HandleFunc("/broadcast", broadcast)
	fmt.Fprintln(os.Stderr, http.Serve(listener, mux))
}

// endWithParent: a soak that was killed leaves nothing behind.
func endWithParent() {
	io.Copy(io.Discard, os.Stdin)
	os.Exit(0)
}

func answer(response http.ResponseWriter, request *http.Request) {
	isModern := request.Header.Get("Mcp-Protocol-Version") == modern
	switch request.Method {
	case http.MethodGet:
		if isModern {
			response.WriteHeader(http.StatusMethodNotAllowed)
		} else if known(request) {
			stream(response, request, ": listening\n\n", nil)
		} else {
			response.WriteHeader(http.StatusNotFound)
		}
		return
	case http.MethodDelete:
		lock.Lock()
		delete(sessions, request.Header.Get("Mcp-Session-Id"))
		lock.Unlock()
		return
	}
	var asked message
	if json.NewDecoder(request.Body).Decode(&asked) != nil {
		response.WriteHeader(http.StatusBadRequest)
		return
	}
	if !isModern && asked.Method != "initialize" && !known(request) {
		write(response, http.StatusNotFound, asked.ID, `"error":{"code":-32001,"message":"Session not found"}`)
		return
	}
	if asked.ID == nil {
		response.WriteHeader(http.StatusAccepted)
		return
	}
	switch asked.Method {
	case "server/discover":
		reply(response, asked.ID, `{"resultType":"complete","supportedVersions":["`+modern+`","`+legacy+`"],"capabilities":{"tools":{"listChanged":true}},"ttlMs":0,"cacheScope":"private"}`)
	case "initialize":
		response.Header().Set("Mcp-Session-Id", newSession())
		reply(response, asked.ID, `{"protocolVersion":"`+legacy+`","capabilities":{"tools":{"listChanged":true},"logging":{}},"serverInfo":{"name":"soak","version":"1"}}`)
	case "ping":
		reply(response, asked.ID, `{}`)
	case "tools/list":
		reply(response, asked.ID, `{"resultType":"complete","tools":[`+tool("echo")+`,`+tool("wait")+`,`+tool("secret")+`],"ttlMs":0,"cacheScope":"private"}`)
	case "tools/call":
		call(response, request, asked)
	case "subscriptions/listen":
		meta := `"_meta":{"io.modelcontextprotocol/subscriptionId":` + string(asked.ID) + `}`
		stream(response, request, `data: {"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{"notifications":{"toolsListChanged":true},`+meta+"}}\n\n", asked.ID)
	default:
		write(response, http.StatusNotFound, asked.ID, `"error":{"code":-32601,"message":"Method not found"}`)
	}
}

func call(response http.ResponseWriter, request *http.Request, asked message) {
	calls.Add(1)
	defer calls.Add(-1)
	arguments := asked.Params.Arguments
	if arguments.WaitMs > 0 {
		select {
		case <-time.After(time.Duration(arguments.WaitMs) * time.Millisecond):
		case <-request.Context().Done():
			return
		}
	}
	text, _ := json.Marshal(arguments.Text[:min(len(arguments.Text), 64)] + strings.Repeat("x", arguments.Bytes))
	reply(response, asked.ID, `{"resultType":"complete","content":[{"type":"text","text":`+string(text)+`}]}`)
}

func tool(name string) string {
	return `{"name":"` + name + `","description":"The tool ` + name + `","inputSchema":{"type":"object"}}`
}

// stream stays open until its client goes; what is broadcast goes to each.
func stream(response http.ResponseWriter, request *http.Request, first string, id json.RawMessage) {
	news := make(chan string, 4)
	lock.Lock()
	listeners[news] = struct{}{}
	lock.Unlock()
	opened.streams.Add(1)
	defer func() {
		lock.Lock()
		delete(listeners, news)
		lock.Unlock()
	}()
	response.Header().Set("Content-Type", "text/event-stream")
	io.WriteString(response, first)
	http.NewResponseController(response).Flush()
	for {
		select {
		case <-request.Context().Done():
			return
		case text := <-news:
			io.WriteString(response, "data: "+text+"\n\n")
			http.NewResponseController(response).Flush()
		}
	}
}

func newSession() string {
	bytes := make([]byte, 16)
	rand.Read(bytes)
	id := hex.EncodeToString(bytes)
	lock.Lock()
	sessions[id] = time.Now()
	lock.Unlock()
	opened.sessions.Add(1)
	return id
}

func known(request *http.Request) bool {
	id := request.Header.Get("Mcp-Session-Id")
	lock.Lock()
	defer lock.Unlock()
	_, found := sessions[id]
	if found {
		sessions[id] = time.Now()
	}
	return found
}

func forget() {
	for range time.Tick(time.Second) {
		oldest := time.Now().Add(-sessionTTL)
		lock.Lock()
		for id, used := range sessions {
			if used.Before(oldest) {
				delete(sessions, id)
			}
		}
		lock.Unlock()
	}
}

func stats(response http.ResponseWriter, _ *http.Request) {
	lock.Lock()
	defer lock.Unlock()
	json.NewEncoder(response).Encode(map[string]int{
		"sessions": len(sessions), "streams": len(listeners), "calls": int(calls.Load()),
		"openedSessions": int(opened.sessions.Load()), "openedStreams": int(opened.streams.Load()),
	})
}

func broadcast(response http.ResponseWriter, _ *http.Request) {
	lock.Lock()
	defer lock.Unlock()
	for each := range listeners {
		select {
		case each <- `{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"broadcast"}}`:
		default:
		}
	}
}

func reply(response http.ResponseWriter, id json.RawMessage, result string) {
	write(response, http.StatusOK, id, `"result":`+result)
}

func write(response http.ResponseWriter, status int, id json.RawMessage, member string) {
	body := `{"jsonrpc":"2.0","id":` + string(id) + `,` + member + `}`
	response.Header().Set("Content-Type", "application/json")
	response.Header().Set("Content-Length", strconv.Itoa(len(body)))
	response.WriteHeader(status)
	io.WriteString(response, body)
}
