// The steps, done by the client of the Go SDK: a job as JSON on stdin, a line of JSON for what came of each step.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

type step struct {
	Feature   string         `json:"feature"`
	Do        string         `json:"do"`
	Name      string         `json:"name"`
	Arguments map[string]any `json:"arguments"`
	URI       string         `json:"uri"`
	Argument  struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	} `json:"argument"`
	Progress bool           `json:"progress"`
	Level    string         `json:"level"`
	Messages int            `json:"messages"`
	Answer   map[string]any `json:"answer"`
	After    *string        `json:"after"`
}

type outcome map[string]any

var job struct {
	URL            string `json:"url"`
	Steps          []step `json:"steps"`
	Sampled        string `json:"sampled"`
	Root           string `json:"root"`
	NotificationMs int    `json:"notificationMs"`
	CancelAfterMs  int    `json:"cancelAfterMs"`
}

// notebook is what the handlers keep, and what they answer.
var notebook struct {
	sync.Mutex
	answer                 map[string]any
	asked, logged, changed []string
	progress               []float64
}

func note(list *[]string, words string) {
	notebook.Lock()
	defer notebook.Unlock()
	*list = append(*list, words)
}

func noted(list *[]string) []string {
	notebook.Lock()
	defer notebook.Unlock()
	return slices.Clone(*list)
}

func until(holds func() bool) {
	deadline := time.Now().Add(time.Duration(job.NotificationMs) * time.Millisecond)
	for !holds() && time.Now().Before(deadline) {
		time.Sleep(20 * time.Millisecond)
	}
}

func textOf(result *mcp.CallToolResult) string {
	words := []string{}
	for _, each := range result.Content {
		switch content := each.(type) {
		case *mcp.TextContent:
			words = append(words, content.Text)
		case *mcp.ImageContent:
			words = append(words, "image")
		default:
			words = append(words, "resource")
		}
	}
	return strings.Join(words, "\n")
}

func options() *mcp.ClientOptions {
	return &mcp.ClientOptions{
		ElicitationHandler: func(_ context.Context, req *mcp.ElicitRequest) (*mcp.ElicitResult, error) {
			note(&notebook.asked, req.Params.Message)
			return &mcp.ElicitResult{Action: "accept", Content: notebook.answer}, nil
		},
		CreateMessageHandler: func(_ context.Context, req *mcp.CreateMessageRequest) (*mcp.CreateMessageResult, error) {
			for _, each := range req.Params.Messages {
				note(&notebook.asked, each.Content.(*mcp.TextContent).Text)
			}
			return &mcp.CreateMessageResult{Role: "assistant", Content: &mcp.TextContent{Text: job.Sampled}, Model: "m"}, nil
		},
		LoggingMessageHandler: func(_ context.Context, req *mcp.LoggingMessageRequest) {
			note(&notebook.logged, fmt.Sprintf("%s %v", req.Params.Level, req.Params.Data))
		},
		ResourceUpdatedHandler: func(_ context.Context, req *mcp.ResourceUpdatedNotificationRequest) {
			note(&notebook.changed, req.Params.URI)
		},
		ToolListChangedHandler: func(context.Context, *mcp.ToolListChangedRequest) { note(&notebook.changed, "tools") },
		ProgressNotificationHandler: func(_ context.Context, req *mcp.ProgressNotificationClientRequest) {
			notebook.Lock()
			defer notebook.Unlock()
			notebook.progress = append(notebook.progress, req.Params.Progress)
		},
	}
}

func names(ctx context.Context, session *mcp.ClientSession, what string) (outcome, error) {
	found := []string{}
	add := func(name string, err error) bool {
		if err == nil {
			found = append(found, name)
		}
		return err == nil
	}
	var problem error
	switch what {
	case "tools":
		for each, err := range session.Tools(ctx, nil) {
			if problem = err; err != nil || !add(each.Name, err) {
				break
			}
		}
	case "prompts":
		for each, err := range session.Prompts(ctx, nil) {
			if problem = err; err != nil || !add(each.Name, err) {
				break
			}
		}
	case "resources":
		for each, err := range session.Resources(ctx, nil) {
			if problem = err; err != nil || !add(each.Name, err) {
				break
			}
		}
	case "templates":
		for each, err := range session.ResourceTemplates(ctx, nil) {
			if problem = err; err != nil || !add(each.Name, err) {
				break
			}
		}
	}
	slices.Sort(found)
	return outcome{"names": found}, problem
}

func call(ctx context.Context, session *mcp.ClientSession, modern bool, each step) (outcome, error) {
	params := &mcp.CallToolParams{Name: each.Name, Arguments: arguments(each)}
	if each.Level != "" && !modern {
		if err := session.SetLoggingLevel(ctx, &mcp.SetLoggingLevelParams{Level: mcp.LoggingLevel(each.Level)}); err != nil {
			return nil, err
		}
	}
	if each.Level != "" && modern {
		params.Meta = mcp.Meta{"io.modelcontextprotocol/logLevel": each.Level}
	}
	if each.Progress {
		params.SetProgressToken("token")
	}
	result, err := session.CallTool(ctx, params)
	if err != nil {
		return nil, err
	}
	until(func() bool { return len(noted(&notebook.logged)) >= each.Messages })
	seen := outcome{"text": textOf(result)}
	if result.IsError {
		seen["isError"] = true
	}
	if each.Progress {
		notebook.Lock()
		seen["progress"] = slices.Clone(notebook.progress)
		notebook.Unlock()
	}
	if asked := noted(&notebook.asked); len(asked) > 0 {
		seen["asked"] = asked
	}
	if each.Level != "" {
		seen["logged"] = append([]string{}, noted(&notebook.logged)...)
	}
	return seen, nil
}

func arguments(each step) map[string]any {
	if each.Arguments == nil {
		return map[string]any{}
	}
	return each.Arguments
}

func listen(ctx context.Context, session *mcp.ClientSession, each step) (outcome, error) {
	if each.Do == "subscribe" {
		if err := session.Subscribe(ctx, &mcp.SubscribeParams{URI: each.URI}); err != nil {
			return nil, err
		}
		defer func() { _ = session.Unsubscribe(ctx, &mcp.UnsubscribeParams{URI: each.URI}) }()
	}
	if _, err := session.CallTool(ctx, &mcp.CallToolParams{Name: each.Name, Arguments: arguments(each)}); err != nil {
		return nil, err
	}
	until(func() bool { return len(noted(&notebook.changed)) > 0 })
	told := append([]string{}, noted(&notebook.changed)...)
	slices.Sort(told)
	return outcome{"told": slices.Compact(told)}, nil
}

func cancel(ctx context.Context, session *mcp.ClientSession, each step) (outcome, error) {
	limited, stop := context.WithTimeout(ctx, time.Duration(job.CancelAfterMs)*time.Millisecond)
	defer stop()
	ended := "answered"
	if _, err := session.CallTool(limited, &mcp.CallToolParams{Name: each.Name, Arguments: arguments(each)}); err != nil {
		ended = "failed"
		if limited.Err() != nil {
			ended = "cancelled"
		}
	}
	if each.After == nil {
		return outcome{"ended": ended}, nil
	}
	words := ""
	until(func() bool {
		result, err := session.CallTool(ctx, &mcp.CallToolParams{Name: *each.After, Arguments: map[string]any{}})
		if err == nil {
			words = textOf(result)
		}
		return words == "yes"
	})
	return outcome{"ended": ended, "text": words}, nil
}

func do(ctx context.Context, session *mcp.ClientSession, modern bool, each step) (outcome, error) {
	switch each.Do {
	case "tools", "prompts", "resources", "templates":
		return names(ctx, session, each.Do)
	case "call":
		return call(ctx, session, modern, each)
	case "prompt":
		given := map[string]string{}
		for key, value := range each.Arguments {
			given[key] = fmt.Sprint(value)
		}
		result, err := session.GetPrompt(ctx, &mcp.GetPromptParams{Name: each.Name, Arguments: given})
		if err != nil {
			return nil, err
		}
		words := []string{}
		for _, message := range result.Messages {
			words = append(words, message.Content.(*mcp.TextContent).Text)
		}
		return outcome{"text": strings.Join(words, "\n")}, nil
	case "read":
		result, err := session.ReadResource(ctx, &mcp.ReadResourceParams{URI: each.URI})
		if err != nil {
			return nil, err
		}
		words := []string{}
		for _, content := range result.Contents {
			words = append(words, content.Text)
		}
		return outcome{"text": strings.Join(words, "\n")}, nil
	case "complete":
		result, err := session.Complete(ctx, &mcp.CompleteParams{
			Ref:      &mcp.CompleteReference{Type: "ref/prompt", Name: each.Name},
			Argument: mcp.CompleteParamsArgument{Name: each.Argument.Name, Value: each.Argument.Value},
		})
		if err != nil {
			return nil, err
		}
		return outcome{"values": result.Completion.Values}, nil
	case "subscribe", "changed":
		return listen(ctx, session, each)
	case "cancel":
		return cancel(ctx, session, each)
	}
	if modern {
		return outcome{"none": true}, nil
	}
	return outcome{"text": "pong"}, session.Ping(ctx, nil)
}

func main() {
	if err := json.NewDecoder(os.Stdin).Decode(&job); err != nil {
		panic(err)
	}
	ctx := context.Background()
	client := mcp.NewClient(&mcp.Implementation{Name: "matrix-go", Version: "1"}, options())
	client.AddRoots(&mcp.Root{URI: job.Root, Name: "here"})
	session, err := client.Connect(ctx, &mcp.StreamableClientTransport{Endpoint: job.URL}, nil)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	version := session.InitializeResult().ProtocolVersion
	_ = out.Encode(outcome{"version": version})
	for _, each := range job.Steps {
		notebook.Lock()
		notebook.answer = each.Answer
		notebook.asked, notebook.logged, notebook.changed = nil, nil, nil
		notebook.progress = []float64{}
		notebook.Unlock()
		seen, err := do(ctx, session, version >= "2026-07-28", each)
		var refused *jsonrpc.Error
		if errors.As(err, &refused) {
			seen = outcome{"error": refused.Code}
		} else if err != nil {
			seen = outcome{"error": err.Error()}
		}
		_ = out.Encode(outcome{"feature": each.Feature, "outcome": seen})
	}
	_ = session.Close()
}
