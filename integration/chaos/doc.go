// Command chaos breaks what containers with hooks depend on, at moments that a
// seed chooses, and checks after each round what bookend promises. `make chaos`
// runs it, as root; a minute of it is part of the integration tests.
//
// A round is one container: a [plan] says what it is and what happens to it, a
// [victim] is what it is made into, a [script] lets it happen, and the [history]
// of it is what [check] judges: every hook has a record with an outcome; the
// stop signal came once, never before the hook's end, and was not lost; Start
// replied, and told the truth; preStop and postStart ran when they had to. At
// the end of each pass over all faults the harness looks for what was left.
//
// The faults of the runtime are acted out by a program in the runtime's place
// ([slot]), which writes down every call that it breaks. A run fails where a
// fault that was planned never really happened.
//
// Choices follow from the seed alone; the moments at which they meet the
// machine's own timing do not.
package main
