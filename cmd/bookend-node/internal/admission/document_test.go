package admission

import (
	"encoding/json"
	"testing"
)

func TestReadableMeansTheSame(t *testing.T) {
	for _, text := range []string{"a > b && c <d", `\u003e is no escape here`, `\\u003e`, `tail \`, "\u2028 \" \n", ""} {
		escaped, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		var got string
		if err := json.Unmarshal([]byte(readable(string(escaped))), &got); err != nil || got != text {
			t.Errorf("%q became %q, %v", text, got, err)
		}
	}
	if got := readable(`"a \u003e b"`); got != `"a > b"` {
		t.Errorf("got %s", got)
	}
}
