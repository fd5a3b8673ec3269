//go:build !sessions

package main

import (
	"context"
	"encoding/json"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// answered is the client's answer to the only question, if it has been asked.
func answered[T mcp.InputResponse](req *mcp.CallToolRequest) (T, bool) {
	answer, found := req.Params.InputResponses["1"].(T)
	return answer, found
}

func asking(question mcp.InputRequest) (*mcp.CallToolResult, error) {
	return &mcp.CallToolResult{InputRequests: mcp.InputRequestMap{"1": question}}, nil
}

func elicit(_ context.Context, req *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
	answer, found := answered[*mcp.ElicitResult](req)
	if !found {
		return asking(&mcp.ElicitParams{Mode: "form", Message: "name?", RequestedSchema: json.RawMessage(nameSchema)})
	}
	name, _ := answer.Content["name"].(string)
	return text("Hello, " + name), nil
}

func sample(_ context.Context, req *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
	switch answer := req.Params.InputResponses["1"].(type) {
	case *mcp.CreateMessageResult:
		return text(answer.Content.(*mcp.TextContent).Text), nil
	case *mcp.CreateMessageWithToolsResult:
		return text(answer.Content[0].(*mcp.TextContent).Text), nil
	}
	question := &mcp.SamplingMessage{Role: "user", Content: &mcp.TextContent{Text: "what?"}}
	return asking(&mcp.CreateMessageParams{MaxTokens: 10, Messages: []*mcp.SamplingMessage{question}})
}

func roots(_ context.Context, req *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
	answer, found := answered[*mcp.ListRootsResult](req)
	if !found {
		return asking(&mcp.ListRootsParams{})
	}
	return text(answer.Roots[0].URI), nil
}
