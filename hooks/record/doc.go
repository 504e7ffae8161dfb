// Package record keeps what hooks did: a file for each attempt, written before
// it starts and completed after it ends, in bounded space; and a file for each
// container with hooks that says where it stands.
package record
