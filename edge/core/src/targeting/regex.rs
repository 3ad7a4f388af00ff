//! Regular expressions: a small program that the publisher compiled, run over all its threads at once.
//!
//! This is Thompson's simulation (as in Pike's machine, without captures): the time is at most the length of the text times
//! the length of the program, whatever the pattern. Both are bounded, and nothing is allocated.
//!
//! An instruction is one word: `op u8 | low u8 | high u8 | look u8 | x u16 | y u16`, little-endian.

use super::Truth;
use crate::bundle::table::Table;

/// Bounds of a program and of the texts it looks at.
pub(crate) mod limits {
    /// Instructions of a program; the compiler refuses a pattern that needs more.
    pub(crate) const PROGRAM: u32 = 512;
    /// Bytes of a text; the match of a longer one is unknown.
    pub(crate) const TEXT: usize = 1024;
}

/// Operations of instructions.
pub(crate) mod instruction {
    /// The pattern matches.
    pub(crate) const MATCH: u8 = 1;
    /// Takes one byte from `low` to `high` and goes on at `x`.
    pub(crate) const BYTES: u8 = 2;
    /// Goes on at `x` and at `y`.
    pub(crate) const SPLIT: u8 = 3;
    /// Goes on at `x` if `look` holds here.
    pub(crate) const LOOK: u8 = 4;

    /// Start of the text.
    pub(crate) const LOOK_START: u8 = 1;
    /// End of the text.
    pub(crate) const LOOK_END: u8 = 2;
    /// Start of a line (after `\n`).
    pub(crate) const LOOK_LINE_START: u8 = 3;
    /// End of a line (before `\n`).
    pub(crate) const LOOK_LINE_END: u8 = 4;
    /// Between a word byte (`[0-9A-Za-z_]`) and another.
    pub(crate) const LOOK_WORD: u8 = 5;
    /// Not there.
    pub(crate) const LOOK_NOT_WORD: u8 = 6;
}

const PROGRAM: usize = limits::PROGRAM as usize;

/// Whether the pattern matches anywhere in the text; `None` for a damaged program.
pub(super) fn is_match(program: &Table<'_>, text: &[u8]) -> Option<Truth> {
    if program.len() > limits::PROGRAM {
        return None;
    }
    if text.len() > limits::TEXT {
        return Some(Truth::Unknown);
    }
    let mut now = Threads::new();
    let mut next = Threads::new();
    // Every place is pushed at most once, so the stack cannot be longer than the program.
    let mut stack = [0u16; PROGRAM];
    for at in 0..=text.len() {
        if now.follow(program, 0, (text, at), &mut stack)? {
            return Some(Truth::True);
        }
        let Some(byte) = text.get(at) else { break };
        for thread in now.waiting.iter().take(now.len) {
            let instruction = Instruction::at(program, *thread)?;
            let taken = (instruction.low..=instruction.high).contains(byte);
            if taken && next.follow(program, instruction.x, (text, at.checked_add(1)?), &mut stack)? {
                return Some(Truth::True);
            }
        }
        core::mem::swap(&mut now, &mut next);
        next.clear();
    }
    Some(Truth::False)
}

/// The places at which the simulation waits for the next byte, each at most once.
struct Threads {
    waiting: [u16; PROGRAM],
    len: usize,
    seen: [u64; PROGRAM / 64],
}

impl Threads {
    const fn new() -> Self {
        Self { waiting: [0; PROGRAM], len: 0, seen: [0; PROGRAM / 64] }
    }

    fn clear(&mut self) {
        self.len = 0;
        self.seen = [0; PROGRAM / 64];
    }

    /// Follows everything that takes no byte from `start`; `true` when the pattern has matched.
    fn follow(
        &mut self,
        program: &Table<'_>,
        start: u16,
        (text, at): (&[u8], usize),
        stack: &mut [u16; PROGRAM],
    ) -> Option<bool> {
        let mut depth = 0;
        self.push(stack, &mut depth, start)?;
        while let Some(top) = usize::checked_sub(depth, 1) {
            depth = top;
            let place = *stack.get(top)?;
            let instruction = Instruction::at(program, place)?;
            match instruction.op {
                instruction::MATCH => return Some(true),
                instruction::BYTES => {
                    *self.waiting.get_mut(self.len)? = place;
                    self.len = self.len.checked_add(1)?;
                }
                instruction::SPLIT => {
                    self.push(stack, &mut depth, instruction.y)?;
                    self.push(stack, &mut depth, instruction.x)?;
                }
                instruction::LOOK => {
                    if holds(instruction.look, text, at)? {
                        self.push(stack, &mut depth, instruction.x)?;
                    }
                }
                _ => return None,
            }
        }
        Some(false)
    }

    fn push(&mut self, stack: &mut [u16; PROGRAM], depth: &mut usize, place: u16) -> Option<()> {
        let bit = 1u64 << (place & 63);
        let seen = self.seen.get_mut(usize::from(place >> 6))?;
        if *seen & bit == 0 {
            *seen |= bit;
            *stack.get_mut(*depth)? = place;
            *depth = depth.checked_add(1)?;
        }
        Some(())
    }
}

struct Instruction {
    op: u8,
    low: u8,
    high: u8,
    look: u8,
    x: u16,
    y: u16,
}

impl Instruction {
    fn at(program: &Table<'_>, place: u16) -> Option<Self> {
        let [op, low, high, look, x0, x1, y0, y1] = program.record::<8>(u32::from(place))?;
        Some(Self { op, low, high, look, x: u16::from_le_bytes([x0, x1]), y: u16::from_le_bytes([y0, y1]) })
    }
}

/// Whether a look holds between two bytes.
fn holds(look: u8, text: &[u8], at: usize) -> Option<bool> {
    let before = at.checked_sub(1).and_then(|before| text.get(before)).copied();
    let after = text.get(at).copied();
    let is_word = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    Some(match look {
        instruction::LOOK_START => before.is_none(),
        instruction::LOOK_END => after.is_none(),
        instruction::LOOK_LINE_START => before.is_none_or(|byte| byte == b'\n'),
        instruction::LOOK_LINE_END => after.is_none_or(|byte| byte == b'\n'),
        instruction::LOOK_WORD => is_word(before) != is_word(after),
        // Between the bytes of one character is no place.
        instruction::LOOK_NOT_WORD => {
            is_word(before) == is_word(after) && after.is_none_or(|byte| byte & 0xc0 != 0x80)
        }
        _ => return None,
    })
}
