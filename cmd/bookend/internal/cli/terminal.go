package cli

// clearScreen makes a terminal begin anew at its upper left corner.
const clearScreen = "\x1b[H\x1b[2J"
