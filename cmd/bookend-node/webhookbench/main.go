// Command webhookbench measures the CPU time that the admission webhook takes for a
// request, beside a webhook that does nothing: the same server, whose answer is
// always "allowed". `make bench BENCH=webhook` runs it.
//
// Both run as processes of their own and are asked in turn, in an order that
// changes from round to round, over one connection each, as an API server does. A
// process's CPU time is the kernel's, of all its threads. Figures are ratios of
// medians; the 95 % intervals are bootstrapped over rounds.
//
//	RESULT webhook pod_with_hooks_over_nothing=1.6 goal=2 lo=1.5 hi=1.7 reached=true
package main

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"

	"bookend.dev/bookend/cmd/internal/interrupt"
)

// limit is what a request may take at most, in units of one that does nothing.
const limit = 2

func main() {
	if err := command(); err != nil {
		fmt.Fprintln(os.Stderr, "webhookbench:", err)
		os.Exit(1)
	}
}

func command() error {
	serving := flag.String("serve", "", "be the server of this `kind`")
	rounds := flag.Int("rounds", 15, "how often each is measured")
	requests := flag.Int("requests", 100, "in a round, of each")
	flag.Parse()
	ctx, stop := interrupt.Context(context.Background())
	defer stop()
	if *serving != "" {
		return serve(ctx, *serving)
	}
	return measure(ctx, *rounds, *requests)
}

// measure asks both servers in turn, and prints what they took.
func measure(ctx context.Context, rounds, requests int) error {
	servers := map[string]*server{}
	for _, kind := range []string{kindNothing, kindBookend} {
		s, err := launch(ctx, kind)
		if err != nil {
			return err
		}
		defer s.stop()
		servers[kind] = s
	}
	type sample struct{ kind, review string }
	taken := map[sample][]float64{}
	random := rand.New(rand.NewPCG(1, 2))
	var all []sample
	for _, r := range reviews() {
		all = append(all, sample{kindNothing, r.name}, sample{kindBookend, r.name})
	}
	bodies := map[string][]byte{}
	for _, r := range reviews() {
		bodies[r.name] = r.body
	}
	for round := -1; round < rounds; round++ { // the first one warms up
		for _, i := range random.Perm(len(all)) {
			used, err := servers[all[i].kind].ask(ctx, bodies[all[i].review], requests)
			if err != nil {
				return fmt.Errorf("%s, %s: %w", all[i].kind, all[i].review, err)
			}
			if round >= 0 {
				taken[all[i]] = append(taken[all[i]], used.Seconds()*1e6/float64(requests))
			}
		}
	}
	fmt.Printf("CPU time for one request, in microseconds: medians of %d rounds of %d\n\n", rounds, requests)
	for _, r := range reviews() {
		ours, nothing := taken[sample{kindBookend, r.name}], taken[sample{kindNothing, r.name}]
		fmt.Printf("  %-24s bookend %6.0f   nothing %6.0f   (%d bytes)\n", r.name, median(ours), median(nothing), len(r.body))
	}
	fmt.Println()
	for _, r := range reviews() {
		f := ratio(random, taken[sample{kindBookend, r.name}], taken[sample{kindNothing, r.name}])
		fmt.Printf("RESULT webhook %s_over_nothing=%.3g goal=%d lo=%.3g hi=%.3g reached=%t\n", r.name, f.value, limit, f.lo, f.hi, f.lo <= limit)
	}
	return nil
}
