package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// httpTimeout is how long a server may take from its start to its first reply.
const httpTimeout = 10 * time.Second

// fetch gets a page from this machine, past every proxy, asking again until the
// server listens.
func fetch(ctx context.Context, url string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, httpTimeout)
	defer cancel()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for {
		body, err := get(ctx, client, url)
		if err == nil || errors.As(err, new(statusError)) {
			return body, err
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return "", err
		}
	}
}

// statusError is an HTTP status that is not 200.
type statusError int

func (e statusError) Error() string { return fmt.Sprintf("HTTP status %d", int(e)) }

func get(ctx context.Context, client *http.Client, url string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	reply, err := client.Do(request)
	if err != nil {
		return "", err
	}
	defer func() { _ = reply.Body.Close() }()
	body, err := io.ReadAll(reply.Body)
	if err == nil && reply.StatusCode != http.StatusOK {
		err = statusError(reply.StatusCode)
	}
	return string(body), err
}
