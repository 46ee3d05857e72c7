// The panels below the race; each asks for what it shows only while it is open.

export function panels() {}
