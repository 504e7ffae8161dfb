package main

import "errors"

var (
	// errNoCritest: there is no program to run.
	errNoCritest = errors.New("no critest: get it from the releases of kubernetes-sigs/cri-tools " +
		"(https://github.com/kubernetes-sigs/cri-tools/releases), and put it on PATH or name it by CRITEST")
	// errNoTest: a run without tests has nothing to compare.
	errNoTest = errors.New("critest ran no test; look at its log, and at -focus and -skip")
	// errDiffer: the two shims don't behave alike.
	errDiffer = errors.New("outcomes differ")
)
