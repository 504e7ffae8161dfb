package main

import (
	"encoding/json"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// request is what /requests tells of one request.
type request struct {
	Time   time.Time   `json:"time"`
	Method string      `json:"method"`
	URI    string      `json:"uri"` // path and query as they came
	Host   string      `json:"host"`
	Proto  string      `json:"proto"`
	TLS    bool        `json:"tls"`
	Remote string      `json:"remote"`
	Header http.Header `json:"header"`
}

// recorder keeps requests in the order in which they came.
type recorder struct {
	mu       sync.Mutex
	requests []request
}

func (rec *recorder) add(r *http.Request) {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	rec.requests = append(rec.requests, request{
		Time: time.Now(), Method: r.Method, URI: r.RequestURI, Host: r.Host, Proto: r.Proto,
		TLS: r.TLS != nil, Remote: r.RemoteAddr, Header: r.Header,
	})
}

func (rec *recorder) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	enc := json.NewEncoder(w)
	for _, r := range rec.requests {
		_ = enc.Encode(r)
	}
}

// newHandler serves root and the server's own paths. A request for /shutdown
// sends on shutdown, which has room for one.
func newHandler(root string, timeline *timeline, shutdown chan<- struct{}) http.Handler {
	rec := &recorder{}
	mux := http.NewServeMux()
	mux.Handle("/", http.FileServer(http.Dir(root)))
	mux.Handle("/requests", rec)
	mux.HandleFunc("/status/{code}", status)
	mux.HandleFunc("/redirect", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", r.URL.Query().Get("to")) // as it came, unlike http.Redirect
		w.WriteHeader(http.StatusFound)
	})
	mux.HandleFunc("/hang", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	mux.HandleFunc("/shutdown", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("shutting down\n"))
		select {
		case shutdown <- struct{}{}:
		default: // another request came first
		}
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/requests" {
			rec.add(r)
			timeline.add("request " + r.Method + " " + r.RequestURI)
		}
		mux.ServeHTTP(w, r)
	})
}

func status(w http.ResponseWriter, r *http.Request) {
	code, err := strconv.Atoi(r.PathValue("code"))
	if err != nil || code < 200 || code > 999 {
		http.Error(w, "status must be 200 to 999", http.StatusBadRequest)
		return
	}
	w.WriteHeader(code)
}
