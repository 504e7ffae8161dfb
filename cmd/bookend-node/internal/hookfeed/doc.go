// Package hookfeed turns the records of a node's hooks into one ordered feed of
// facts, which it hands to a taker one at a time: each once, whatever restarts in
// between.
//
// Records are the only source. The events on containerd's bus say nothing that
// records do not, shims drop them while containerd is away, and whoever can read the
// bus can do anything on the node. What tells the feed that there is something to
// read is inotify.
//
// # What is told, and in which order
//
// Of each attempt of a hook: [Began], and [Ended] once it is known whether the
// attempt was the last of its run. Several attempts are one run, and have one
// outcome: that of [Fact.Run] in the last one's Ended. Before the Ended of a postStart
// whose run took more than [SlowAfter], or as soon as it has, there is one [Slow]. Of
// each stop signal that could not be sent: [Undelivered]. Of records that went before
// their end was read: [Dropped].
//
// The facts about one hook of a container come in the order in which they happened.
// Those about different hooks come in the order in which their attempts began, as far
// as that is known.
//
// # At least once, and hardly ever twice
//
// A feed has a cursor, a file that says of each record what was told. It is replaced
// as a whole after each fact of which the taker has made something. A process that is
// killed between the two tells that one fact again, and no other but those of which
// the taker makes nothing ([ErrNothing]): takers that must not count it twice go by
// [Fact.ID] and the kind. The cursor belongs on a disk, also where
// records are in memory: without one, a feed takes the records of the last hour for
// new ([FirstLook]).
//
// Records that were written and removed while no one followed leave no trace, unless
// a later attempt of the same run is there.
//
// # Concurrency
//
// A feed belongs to the goroutine that calls [Feed.Run]. Each taker has a feed and a
// cursor of its own, so that one which cannot go on holds no other up. What waits is
// in the records, and takes no memory here.
package hookfeed
