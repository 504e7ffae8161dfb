package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"bookend.dev/bookend/cmd/bookend-node/internal/hookfeed"
	"bookend.dev/bookend/cmd/bookend-node/internal/kubeclient"
	"bookend.dev/bookend/cmd/bookend-node/internal/metrics"
	"bookend.dev/bookend/cmd/bookend-node/internal/spans"
	"bookend.dev/bookend/cmd/bookend-node/internal/tell"
	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/hooks/record"
)

// closeTime bounds the end of connections.
const closeTime = 5 * time.Second

// addHooks adds the parts that tell what hooks do: each taker with a feed of its own,
// and the server of metrics, which serves whether the agent is ready as well.
func (a *agent) addHooks(ctx context.Context, o agentOptions, log *slog.Logger) error {
	dir, err := recordsDir(o)
	if err != nil {
		return err
	}
	warn := func(err error) { log.Warn(err.Error()) }
	m := metrics.New(record.Open(dir, record.Limits{}), version)
	teller, err := newTeller(o, warn, m)
	if err != nil {
		return err
	}
	takers := map[string]hookfeed.Take{"events": teller.Take, "metrics": m.Take}
	if spans.Enabled() {
		tracer, err := spans.New(ctx, spans.Options{Node: o.node, Version: version, Log: warn})
		if err != nil {
			return err
		}
		takers["spans"] = tracer.Take
		a.add(closing(tracer.Close))
	}
	for name, take := range takers {
		feed, err := hookfeed.Open(hookfeed.Options{
			Directory: dir, Cursor: filepath.Join(o.state, name+".json"),
			Log: func(err error) { log.Warn(err.Error(), "feed", name) },
		})
		if err != nil {
			return err
		}
		a.add(func(ctx context.Context) error { feed.Run(ctx, take); return nil })
		a.await(name, func() error {
			if !feed.Ready() {
				return errUnread
			}
			return nil
		})
	}
	serve, err := serving(o.listen, m.Handler(a.ready), log)
	if err != nil {
		return err
	}
	a.add(serve)
	return nil
}

// errUnread says that a feed has not begun.
var errUnread = errors.New("the records were not read yet")

// recordsDir is the directory that shims write to.
func recordsDir(o agentOptions) (string, error) {
	if o.records != "" {
		return filepath.Abs(o.records)
	}
	cfg, _, err := hooks.LocateConfig(o.config, os.Getenv(hooks.ConfigEnv)).Load()
	if err != nil {
		return "", err
	}
	return cfg.Records.Directory, nil
}

func newTeller(o agentOptions, warn func(error), m *metrics.Metrics) (*tell.Teller, error) {
	cfg, err := apiConfig(o)
	if err != nil {
		return nil, fmt.Errorf("API server: %w", err)
	}
	api, err := kubeclient.New(cfg)
	if err != nil {
		return nil, fmt.Errorf("API server: %w", err)
	}
	return tell.New(tell.Options{API: api, Node: o.node, Log: warn, Told: m.Told}), nil
}

// apiQPS and apiBurst bound the calls of the API server as the kubelet bounds those
// for Events.
const (
	apiQPS   = 50
	apiBurst = 100
)

func apiConfig(o agentOptions) (cfg *rest.Config, err error) {
	if o.kubeconfig == "" {
		cfg, err = rest.InClusterConfig()
	} else {
		cfg, err = clientcmd.BuildConfigFromFlags("", o.kubeconfig)
	}
	if err != nil {
		return nil, err
	}
	cfg.UserAgent, cfg.QPS, cfg.Burst = "bookend-node/"+version, apiQPS, apiBurst
	return cfg, nil
}

// closing is a part that closes something at the end.
func closing(closeIt func(context.Context) error) part {
	return func(ctx context.Context) error {
		<-ctx.Done()
		late, stop := context.WithTimeout(context.WithoutCancel(ctx), closeTime)
		defer stop()
		return closeIt(late)
	}
}

// serving listens now, and is a part that serves.
func serving(address string, h http.Handler, log *slog.Logger) (part, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	log.Info("metrics are served", "address", l.Addr().String())
	server := newServer(h)
	return func(ctx context.Context) error {
		end := closing(server.Shutdown)
		ended := make(chan error, 1)
		go func() { ended <- end(ctx) }()
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("metrics: %w", err)
		}
		return <-ended
	}, nil
}

// newServer is one whose clients have to keep up: a scrape is given up after ten seconds
// by Prometheus' own default.
func newServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler: h, ReadHeaderTimeout: closeTime, ReadTimeout: closeTime, WriteTimeout: 30 * time.Second, IdleTimeout: time.Minute,
	}
}
