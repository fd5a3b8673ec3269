// A server of the Go SDK that keeps what it understood of each request: GET /recorded returns that, and forgets it.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"sync"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

type recorder struct {
	sync.Mutex
	records []map[string]any
}

func (r *recorder) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	r.Lock()
	defer r.Unlock()
	_ = json.NewEncoder(w).Encode(r.records)
	r.records = []map[string]any{}
}

// record stands where every method of the SDK's arrives, decoded into its typed parameters.
func (r *recorder) record(next mcp.MethodHandler) mcp.MethodHandler {
	return func(ctx context.Context, method string, req mcp.Request) (mcp.Result, error) {
		params := map[string]any{}
		text, err := json.Marshal(req.GetParams())
		if err == nil {
			err = json.Unmarshal(text, &params)
		}
		if err != nil {
			return nil, fmt.Errorf("parameters: %w", err)
		}
		r.Lock()
		r.records = append(r.records, map[string]any{"method": method, "params": params})
		r.Unlock()
		switch method {
		case "tools/call":
			return &mcp.CallToolResult{Content: []mcp.Content{}}, nil
		case "prompts/get":
			return &mcp.GetPromptResult{Messages: []*mcp.PromptMessage{}}, nil
		case "resources/read":
			return &mcp.ReadResourceResult{Contents: []*mcp.ResourceContents{}}, nil
		case "completion/complete":
			return &mcp.CompleteResult{Completion: mcp.CompletionResultDetails{Values: []string{}}}, nil
		}
		return next(ctx, method, req)
	}
}

func main() {
	server := mcp.NewServer(&mcp.Implementation{Name: "recorder", Version: "1"}, &mcp.ServerOptions{
		HasTools: true, HasPrompts: true, HasResources: true,
	})
	records := &recorder{records: []map[string]any{}}
	server.AddReceivingMiddleware(records.record)
	handler := mcp.NewStreamableHTTPHandler(
		func(*http.Request) *mcp.Server { return server },
		&mcp.StreamableHTTPOptions{Stateless: true, JSONResponse: true},
	)
	mux := http.NewServeMux()
	mux.Handle("/mcp", handler)
	mux.Handle("/recorded", records)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Printf("{\"port\":%d}\n", listener.Addr().(*net.TCPAddr).Port)
	panic(http.Serve(listener, mux))
}
