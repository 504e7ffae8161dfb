package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

func main() {
	if err := command(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		os.Exit(1)
	}
}

func command(args []string) error {
	var s settings
	flags := flag.NewFlagSet("chaos", flag.ExitOnError)
	flags.Uint64Var(&s.seed, "seed", 0, "make the choices of this `seed`; 0: of a new one, which is printed")
	flags.IntVar(&s.rounds, "rounds", 0, "run this `number` of rounds, in place of a duration")
	flags.DurationVar(&s.duration, "duration", time.Minute, "begin no other pass over the faults after this `time`")
	flags.StringVar(&s.only, "only", "", "plan this `fault` alone")
	flags.IntVar(&s.first, "first", 0, "begin with the round of this `number`")
	flags.BoolVar(&s.verbose, "v", false, "print every round, not only those that break a promise")
	_ = flags.Parse(args) // exits on an error
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if os.Geteuid() != 0 {
		return errors.New("containers need root: run `make chaos` as root")
	}
	if s.seed == 0 {
		s.seed = freshSeed()
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	fmt.Printf("seed %d\n", s.seed)
	r, err := drive(ctx, s, func(text string) { fmt.Print(text) })
	if r != nil {
		fmt.Print(r.summary())
		if why := r.failures(); len(why) > 0 {
			err = errors.Join(err, fmt.Errorf("seed %d: %s", s.seed, strings.Join(why, "; ")))
		}
	}
	return err
}

// freshSeed is a small number, to be typed again.
func freshSeed() uint64 { return uint64(time.Now().UnixNano()/1000) % 1_000_000 }
