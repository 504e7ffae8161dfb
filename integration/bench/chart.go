package main

func (r *results) draw(dir string) error { return nil }
