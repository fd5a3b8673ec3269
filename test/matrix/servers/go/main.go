// A server of the Go SDK. How it asks its client is in a file for each revision that the SDK knows.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

const nameSchema = `{"type":"object","properties":{"name":{"type":"string"}},"required":["name"]}`

var (
	server    *mcp.Server
	cancelled atomic.Bool
)

func text(words string) *mcp.CallToolResult {
	return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: words}}}
}

func tool(name string, handler mcp.ToolHandler) {
	server.AddTool(&mcp.Tool{Name: name, InputSchema: json.RawMessage(`{"type":"object"}`)}, handler)
}

func echo(_ context.Context, req *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
	var given struct {
		Message string `json:"message"`
	}
	if err := json.Unmarshal(req.Params.Arguments, &given); err != nil {
		return nil, err
	}
	return text(given.Message), nil
}

func progress(ctx context.Context, req *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
	for done := 1; done <= 3 && req.Params.GetProgressToken() != nil; done++ {
		err := req.Session.NotifyProgress(ctx, &mcp.ProgressNotificationParams{
			ProgressToken: req.Params.GetProgressToken(), Progress: float64(done), Total: 3,
		})
		if err != nil {
			return nil, err
		}
		time.Sleep(50 * time.Millisecond)
	}
	return text("done"), nil
}

func log(ctx context.Context, req *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
	for _, each := range []mcp.LoggingMessageParams{
		{Level: "info", Data: "zero"}, {Level: "warning", Data: "one"}, {Level: "error", Data: "two"},
	} {
		if err := req.Session.Log(ctx, &each); err != nil {
			return nil, err
		}
	}
	return text("done"), nil
}

func slow(ctx context.Context, _ *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
	select {
	case <-ctx.Done():
		cancelled.Store(true)
		return nil, ctx.Err()
	case <-time.After(20 * time.Second):
		return text("done"), nil
	}
}

func wasCancelled(context.Context, *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
	if cancelled.Swap(false) {
		return text("yes"), nil
	}
	return text("no"), nil
}

func touch(ctx context.Context, _ *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
	return text("touched"), server.ResourceUpdated(ctx, &mcp.ResourceUpdatedNotificationParams{URI: "test://note"})
}

// The same name again: a change that leaves the list as it is.
func changeTools(context.Context, *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
	tool("denied", func(context.Context, *mcp.CallToolRequest) (*mcp.CallToolResult, error) { return text("done"), nil })
	return text("changed"), nil
}

func read(_ context.Context, req *mcp.ReadResourceRequest) (*mcp.ReadResourceResult, error) {
	words := "a note"
	if id, found := strings.CutPrefix(req.Params.URI, "test://item/"); found {
		words = "item " + id
	}
	return &mcp.ReadResourceResult{Contents: []*mcp.ResourceContents{{URI: req.Params.URI, Text: words}}}, nil
}

func complete(_ context.Context, req *mcp.CompleteRequest) (*mcp.CompleteResult, error) {
	values := []string{}
	for _, each := range []string{"Ada", "Alan", "Grace"} {
		if strings.HasPrefix(each, req.Params.Argument.Value) {
			values = append(values, each)
		}
	}
	return &mcp.CompleteResult{Completion: mcp.CompletionResultDetails{Values: values}}, nil
}

func main() {
	server = mcp.NewServer(&mcp.Implementation{Name: "matrix", Version: "1"}, &mcp.ServerOptions{
		CompletionHandler:  complete,
		SubscribeHandler:   func(context.Context, *mcp.SubscribeRequest) error { return nil },
		UnsubscribeHandler: func(context.Context, *mcp.UnsubscribeRequest) error { return nil },
		// Lists come in pages.
		PageSize: 3,
	})
	for name, handler := range map[string]mcp.ToolHandler{
		"echo": echo, "progress": progress, "log": log, "slow": slow, "was_cancelled": wasCancelled,
		"touch": touch, "change_tools": changeTools, "elicit": elicit, "sample": sample, "roots": roots,
	} {
		tool(name, handler)
	}
	if _, err := changeTools(context.Background(), nil); err != nil {
		panic(err)
	}
	server.AddResource(&mcp.Resource{Name: "note", URI: "test://note"}, read)
	server.AddResourceTemplate(&mcp.ResourceTemplate{Name: "item", URITemplate: "test://item/{id}"}, read)
	server.AddPrompt(&mcp.Prompt{Name: "greet", Arguments: []*mcp.PromptArgument{{Name: "name"}}},
		func(_ context.Context, req *mcp.GetPromptRequest) (*mcp.GetPromptResult, error) {
			content := &mcp.TextContent{Text: "Greet " + req.Params.Arguments["name"]}
			return &mcp.GetPromptResult{Messages: []*mcp.PromptMessage{{Role: "user", Content: content}}}, nil
		})
	options := &mcp.StreamableHTTPOptions{Stateless: slices.Contains(os.Args, "stateless")}
	handler := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, options)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Printf("{\"port\":%d}\n", listener.Addr().(*net.TCPAddr).Port)
	panic(http.Serve(listener, handler))
}
