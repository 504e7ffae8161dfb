package cli

import (
	"os"
	"regexp"
	"testing"
)

// The page on configuration lists the keys by showing the default file as it is.
func TestThePageOnConfigurationShowsTheDefaultFile(t *testing.T) {
	const page = "../../../../docs/configuration.md"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)(<!-- cmd/bookend/internal/cli/default.toml -->\n```toml\n)(.*?)(```\n)")
	found := block.FindSubmatchIndex(text)
	if found == nil {
		t.Fatal("the page has no block for the default file")
	}
	if *update {
		text = append(append(text[:found[4]:found[4]], defaultConfig...), text[found[5]:]...)
		if err := os.WriteFile(page, text, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if shown := string(text[found[4]:found[5]]); shown != defaultConfig {
		t.Errorf("the page shows another file: run the test with -update\n%s", shown)
	}
}
