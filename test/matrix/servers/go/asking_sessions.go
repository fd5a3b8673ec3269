//go:build sessions

package main

import (
	"context"
	"encoding/json"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

func elicit(ctx context.Context, req *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
	answer, err := req.Session.Elicit(ctx, &mcp.ElicitParams{Message: "name?", RequestedSchema: json.RawMessage(nameSchema)})
	if err != nil {
		return nil, err
	}
	name, _ := answer.Content["name"].(string)
	return text("Hello, " + name), nil
}

func sample(ctx context.Context, req *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
	question := &mcp.SamplingMessage{Role: "user", Content: &mcp.TextContent{Text: "what?"}}
	answer, err := req.Session.CreateMessage(ctx, &mcp.CreateMessageParams{
		MaxTokens: 10, Messages: []*mcp.SamplingMessage{question},
	})
	if err != nil {
		return nil, err
	}
	return text(answer.Content.(*mcp.TextContent).Text), nil
}

func roots(ctx context.Context, req *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
	answer, err := req.Session.ListRoots(ctx, nil)
	if err != nil {
		return nil, err
	}
	return text(answer.Roots[0].URI), nil
}
