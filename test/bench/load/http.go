package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strconv"
)

// message is an HTTP/1.1 request or response; its slices are valid until the next read.
type message struct {
	start     []byte
	session   []byte
	close     bool
	body      []byte
	bytesRead int
}

// reader reads messages of one connection into buffers that it reuses.
type reader struct {
	in   *bufio.Reader
	head []byte
	body []byte
}

func newReader(in io.Reader) *reader { return &reader{in: bufio.NewReaderSize(in, 128<<10)} }

func (r *reader) next() (message, error) {
	var m message
	r.head, r.body = r.head[:0], r.body[:0]
	length, chunked := 0, false
	for first := true; ; first = false {
		line, err := r.in.ReadSlice('\n')
		if err != nil {
			return m, err
		}
		m.bytesRead += len(line)
		line = bytes.TrimRight(line, "\r\n")
		if first {
			r.head = append(r.head, line...)
			continue
		}
		if len(line) == 0 {
			break
		}
		if value, ok := header(line, "content-length"); ok {
			if length, err = strconv.Atoi(string(value)); err != nil {
				return m, err
			}
		} else if value, ok := header(line, "transfer-encoding"); ok {
			chunked = bytes.EqualFold(value, []byte("chunked"))
		} else if value, ok := header(line, "connection"); ok {
			m.close = bytes.EqualFold(value, []byte("close"))
		} else if value, ok := header(line, "mcp-session-id"); ok {
			m.session = bytes.Clone(value)
		}
	}
	m.start = r.head
	if err := r.readBody(length, chunked); err != nil {
		return m, err
	}
	m.body = r.body
	m.bytesRead += len(m.body)
	return m, nil
}

func (r *reader) readBody(length int, chunked bool) error {
	if !chunked {
		return r.append(length)
	}
	for {
		line, err := r.in.ReadSlice('\n')
		if err != nil {
			return err
		}
		size, err := strconv.ParseInt(string(bytes.TrimRight(line, "\r\n")), 16, 32)
		if err != nil {
			return err
		}
		if err := r.append(int(size)); err != nil {
			return err
		}
		if end, err := r.in.ReadSlice('\n'); err != nil {
			return err
		} else if len(end) != 2 {
			return errors.New("chunk without an end")
		}
		if size == 0 {
			return nil
		}
	}
}

func (r *reader) append(size int) error {
	from := len(r.body)
	if cap(r.body) < from+size {
		r.body = append(make([]byte, 0, 2*(from+size)), r.body...)
	}
	r.body = r.body[:from+size]
	_, err := io.ReadFull(r.in, r.body[from:])
	return err
}

func header(line []byte, name string) ([]byte, bool) {
	if len(line) <= len(name) || line[len(name)] != ':' || !bytes.EqualFold(line[:len(name)], []byte(name)) {
		return nil, false
	}
	return bytes.TrimSpace(line[len(name)+1:]), true
}
