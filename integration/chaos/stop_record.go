package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// stopRecord is a record of a stop signal that could not be sent, as whoever
// reads the files finds it.
type stopRecord struct {
	Kind, Container   string
	Delivery, Outcome string // one of them once it is over
}

// stopRecords reads those of a container, each line of a file being laid over
// those before it.
func stopRecords(dir, id string) ([]stopRecord, error) {
	files, err := filepath.Glob(filepath.Join(dir, "records", "*.jsonl"))
	if err != nil {
		return nil, err
	}
	var found []stopRecord
	for _, file := range files {
		data, err := os.ReadFile(file)
		if os.IsNotExist(err) {
			continue // pruned meanwhile
		}
		if err != nil {
			return nil, err
		}
		var r stopRecord
		for line := range strings.Lines(string(data)) {
			if err := json.Unmarshal([]byte(line), &r); err != nil {
				return nil, fmt.Errorf("%s: %w", file, err)
			}
		}
		if r.Kind == "stop" && r.Container == id {
			found = append(found, r)
		}
	}
	return found, nil
}
