package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
)

const (
	// knownHeading is that of the section whose table names the known failures.
	knownHeading = "## Known failures"
	// everyRelease stands in that table for all releases.
	everyRelease = "all"
)

// known is a row of the table: tests of a suite that fail with some releases, and why.
type known struct {
	releases []string // 2.2; or everyRelease alone
	suite    string
	test     string // its whole name, or a beginning and *
	reason   string
}

// matches tells whether the row is about a test.
func (k known) matches(release, suite, test string) bool {
	return k.suite == suite && k.about(release) && matchesName(k.test, test)
}

func (k known) about(release string) bool {
	return slices.Contains(k.releases, release) || slices.Contains(k.releases, everyRelease)
}

func matchesName(pattern, name string) bool {
	if prefix, ok := strings.CutSuffix(pattern, "*"); ok {
		return strings.HasPrefix(name, prefix)
	}
	return pattern == name
}

// readKnown reads the table out of a page.
func readKnown(path string) ([]known, error) {
	page, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	rows, err := parseKnown(string(page))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return rows, nil
}

// parseKnown reads the table below knownHeading: a header, a line of dashes, and rows.
func parseKnown(page string) ([]known, error) {
	_, section, ok := strings.Cut(page, "\n"+knownHeading+"\n")
	if !ok {
		return nil, errNoTable
	}
	section, _, _ = strings.Cut(section, "\n## ")
	var lines []string
	for line := range strings.Lines(section) {
		if strings.HasPrefix(line, "|") {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	if len(lines) < 2 || !strings.HasPrefix(lines[1], "|-") {
		return nil, errNoTable
	}
	var all []known
	for _, line := range lines[2:] {
		k, err := parseRow(line)
		if err != nil {
			return nil, err
		}
		all = append(all, k)
	}
	return all, nil
}

func parseRow(line string) (known, error) {
	cells := strings.Split(strings.Trim(line, "|"), "|")
	for i := range cells {
		cells[i] = strings.TrimSpace(cells[i])
	}
	if len(cells) != 4 || slices.Contains(cells, "") {
		return known{}, fmt.Errorf("%w: %s", errRow, line)
	}
	k := known{suite: cells[1], test: strings.Trim(cells[2], "`"), reason: cells[3]}
	for _, release := range strings.Split(cells[0], ",") {
		k.releases = append(k.releases, strings.TrimSpace(release))
	}
	return k, nil
}
