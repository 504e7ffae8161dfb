package hooks

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
)

// countdown redirects /n to /n-1, and /0 is 200.
func countdown(w http.ResponseWriter, r *http.Request) {
	n, err := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/"))
	if err != nil || n == 0 {
		return
	}
	http.Redirect(w, r, "/"+strconv.Itoa(n-1), http.StatusFound)
}

func TestHTTPRedirectLimit(t *testing.T) {
	spec := serve(t, countdown)
	for n, want := range map[int]Cause{1: "", maxRedirects: "", maxRedirects + 1: CauseRedirect, 1000: CauseRedirect} {
		spec.Path = "/" + strconv.Itoa(n)
		r := run(spec)
		if r.Cause != want || r.Suspect || (want == "" && r.Status != 200) {
			t.Errorf("%d redirects: %+v", n, r)
		}
	}
}

func TestHTTPRedirectToAnotherHostIsTheAnswer(t *testing.T) {
	var reached atomic.Int32
	other := serve(t, func(http.ResponseWriter, *http.Request) { reached.Add(1) })
	for _, location := range []string{
		fmt.Sprintf("http://other.example:%d/", other.Port), fmt.Sprintf("//localhost:%d/", other.Port), "ftp://x/",
	} {
		spec := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", location)
			w.WriteHeader(http.StatusTemporaryRedirect)
		})
		if r := run(spec); r.Cause != "" || r.Status != 307 {
			t.Errorf("%s: %+v", location, r)
		}
		spec.ExpectStatus = []StatusRange{{200, 299}}
		if r := run(spec); r.Cause != CauseUnexpectedStatus || r.Status != 307 {
			t.Errorf("%s with expectStatus: %+v", location, r)
		}
	}
	if reached.Load() != 0 {
		t.Error("the other host was reached")
	}
}

// Another port and another scheme are the same host; credentials in a
// Location are not sent.
func TestHTTPRedirectOnTheSameHost(t *testing.T) {
	auth := make(chan string, 1)
	other := specFor(t, httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		auth <- r.Header.Get("Authorization")
		w.WriteHeader(http.StatusTeapot)
	})))
	spec := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "k", Value: "v"})
		http.Redirect(w, r, fmt.Sprintf("https://user:pw@127.0.0.1:%d/", other.Port), http.StatusFound)
	})
	if r := run(spec); r.Cause != "" || r.Status != http.StatusTeapot {
		t.Fatalf("%+v", r)
	}
	if got := <-auth; got != "" {
		t.Fatalf("sent credentials: %q", got)
	}
}

func TestHTTPRedirectKeepsHeadersAndNoCookies(t *testing.T) {
	second := make(chan http.Header, 1)
	spec := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/second" {
			second <- r.Header
			return
		}
		http.SetCookie(w, &http.Cookie{Name: "k", Value: "v"})
		http.Redirect(w, r, "/second", http.StatusFound)
	})
	spec.Header = http.Header{"X-Mine": {"1"}, "User-Agent": {""}}
	if r := run(spec); r.Cause != "" {
		t.Fatalf("%+v", r)
	}
	h := <-second
	if h.Get("X-Mine") != "1" || h["Cookie"] != nil || h["User-Agent"] != nil {
		t.Fatalf("%q", h)
	}
}

func TestHTTPRedirectToAnotherProtocolFails(t *testing.T) {
	spec := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "ftp://127.0.0.1/")
		w.WriteHeader(http.StatusFound)
	})
	if r := run(spec); r.Cause != CauseRedirect {
		t.Fatalf("%+v", r)
	}
}

func TestHTTPRedirectToAClosedPortIsAConnectFailure(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := l.Addr().String()
	l.Close()
	spec := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://"+closed+"/", http.StatusFound)
	})
	if r := run(spec); r.Cause != CauseConnect || !r.Suspect {
		t.Fatalf("%+v", r)
	}
}
