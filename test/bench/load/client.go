package main

import (
	"bytes"
	"crypto/tls"
	"flag"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

type target struct {
	address, path, token string
	tls                  bool
}

func targetFlags(flags *flag.FlagSet) *target {
	to := &target{}
	flags.StringVar(&to.address, "address", "", "host:port of the proxy")
	flags.StringVar(&to.path, "path", "/mcp", "path of the endpoint")
	flags.StringVar(&to.token, "token", "", "bearer token")
	flags.BoolVar(&to.tls, "tls", false, "speak TLS, to whomever has a certificate")
	return to
}

// client has one connection of its own.
type client struct {
	http    http.Client
	url     string
	header  http.Header
	session string
	answer  bytes.Buffer
}

func newClient(to target) *client {
	header := http.Header{
		"Content-Type":  {"application/json"},
		"Accept":        {"application/json, text/event-stream"},
		"Authorization": {"Bearer " + to.token},
	}
	transport := &http.Transport{MaxConnsPerHost: 1, DisableCompression: true}
	scheme := "http://"
	if to.tls {
		// With a configuration of its own the transport stays with HTTP/1.1.
		transport.TLSClientConfig = &tls.Config{InsecureSkipVerify: true}
		scheme = "https://"
	}
	return &client{
		http:   http.Client{Transport: transport, Timeout: 20 * time.Second},
		url:    scheme + to.address + to.path,
		header: header,
	}
}

func (c *client) initialize() error {
	body := `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},` +
		`"clientInfo":{"name":"bench","version":"1.0.0"}}}`
	status, answer, err := c.post(body)
	if err != nil {
		return err
	}
	if status != 200 {
		return fmt.Errorf("initialize: HTTP %d: %.200s", status, answer)
	}
	c.header.Set("Mcp-Protocol-Version", "2025-11-25")
	if c.session != "" {
		c.header.Set("Mcp-Session-Id", c.session)
	}
	_, _, err = c.post(`{"jsonrpc":"2.0","method":"notifications/initialized"}`)
	return err
}

// speakModern is for calls of 2026-07-28, which have no session and say in headers what they are.
func (c *client) speakModern() {
	c.header.Set("Mcp-Protocol-Version", "2026-07-28")
	c.header.Set("Mcp-Method", "tools/call")
	c.header.Set("Mcp-Name", "echo")
}

// post returns bytes that are valid until the next call.
func (c *client) post(body string) (int, []byte, error) {
	request, err := http.NewRequest(http.MethodPost, c.url, strings.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	request.Header = c.header
	response, err := c.http.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	if session := response.Header.Get("Mcp-Session-Id"); session != "" {
		c.session = session
	}
	c.answer.Reset()
	_, err = io.Copy(&c.answer, response.Body)
	return response.StatusCode, c.answer.Bytes(), err
}
