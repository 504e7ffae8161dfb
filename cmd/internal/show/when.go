package show

import "time"

// ParseWhen reads a moment: a duration before now, a time as RFC 3339 has it, or
// a day, which begins at midnight of now's time zone.
func ParseWhen(s string, now time.Time) (time.Time, error) {
	if d, err := time.ParseDuration(s); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t, nil
	}
	if t, err := time.ParseInLocation(time.DateOnly, s, now.Location()); err == nil {
		return t, nil
	}
	return time.Time{}, errWhen
}

// ParseUntil is [ParseWhen] for the end of a span: of a day, its last moment.
func ParseUntil(s string, now time.Time) (time.Time, error) {
	t, err := ParseWhen(s, now)
	if err != nil {
		return t, err
	}
	if _, err := time.Parse(time.DateOnly, s); err == nil {
		t = t.AddDate(0, 0, 1).Add(-time.Nanosecond)
	}
	return t, nil
}
