//! Regular expressions: a pattern becomes the program that [`targeting::regex`](crate::targeting::regex) runs.
//!
//! The syntax is that of the `regex` crate. `\d`, `\w`, `\s` and `\b` are about ASCII, as in JavaScript; `.` and negated classes
//! match whole characters. There are no back-references and no look-around, which is what keeps the time linear.

use alloc::string::ToString;
use alloc::vec::Vec;
use std::collections::HashMap;

use regex_syntax::ast::{
    Ast, ClassAscii, ClassAsciiKind, ClassBracketed, ClassPerl, ClassPerlKind, ClassSet, ClassSetItem,
};
use regex_syntax::hir::{Class, Hir, HirKind, Look, Repetition, translate::Translator};
use regex_syntax::utf8::Utf8Sequences;

use super::{Refusal, refuse};
use crate::targeting::regex::{instruction, limits};

/// Deepest nesting of groups.
const NESTING: u32 = 32;

/// The instructions of a pattern.
pub(super) fn compile(pattern: &str) -> Result<Vec<u64>, Refusal> {
    let wrong = |reason: &str| refuse!("the pattern {pattern:?} cannot be used: {reason}");
    let parsed = regex_syntax::ast::parse::ParserBuilder::new().nest_limit(NESTING).build().parse(pattern);
    let mut ast = parsed.map_err(|error| wrong(&error.kind().to_string()))?;
    make_ascii(&mut ast);
    let hir = Translator::new().translate(pattern, &ast).map_err(|error| wrong(&error.kind().to_string()))?;
    let mut program = Program { instructions: alloc::vec![0] };
    let end = program.push(instruction::MATCH, 0, 0).map_err(|refusal| wrong(&refusal.0))?;
    let start = program.emit(&hir, end).map_err(|refusal| wrong(&refusal.0))?;
    program.set(0, encode(instruction::SPLIT, [0; 3], start, start));
    Ok(program.instructions)
}

/// Makes `\d`, `\w` and `\s` ASCII classes.
fn make_ascii(ast: &mut Ast) {
    match ast {
        Ast::ClassPerl(class) => {
            let item = ClassSetItem::Ascii(ascii(class));
            let set = ClassBracketed { span: class.span, negated: false, kind: ClassSet::Item(item) };
            *ast = Ast::class_bracketed(set);
        }
        Ast::ClassBracketed(class) => make_set_ascii(&mut class.kind),
        Ast::Repetition(repetition) => make_ascii(&mut repetition.ast),
        Ast::Group(group) => make_ascii(&mut group.ast),
        Ast::Alternation(alternation) => alternation.asts.iter_mut().for_each(make_ascii),
        Ast::Concat(concat) => concat.asts.iter_mut().for_each(make_ascii),
        Ast::Empty(_)
        | Ast::Flags(_)
        | Ast::Literal(_)
        | Ast::Dot(_)
        | Ast::Assertion(_)
        | Ast::ClassUnicode(_) => {}
    }
}

fn make_set_ascii(set: &mut ClassSet) {
    match set {
        ClassSet::Item(item) => make_item_ascii(item),
        ClassSet::BinaryOp(operation) => {
            make_set_ascii(&mut operation.lhs);
            make_set_ascii(&mut operation.rhs);
        }
    }
}

fn make_item_ascii(item: &mut ClassSetItem) {
    match item {
        ClassSetItem::Perl(class) => *item = ClassSetItem::Ascii(ascii(class)),
        ClassSetItem::Bracketed(class) => make_set_ascii(&mut class.kind),
        ClassSetItem::Union(union) => union.items.iter_mut().for_each(make_item_ascii),
        ClassSetItem::Empty(_)
        | ClassSetItem::Literal(_)
        | ClassSetItem::Range(_)
        | ClassSetItem::Ascii(_)
        | ClassSetItem::Unicode(_) => {}
    }
}

const fn ascii(class: &ClassPerl) -> ClassAscii {
    let kind = match class.kind {
        ClassPerlKind::Digit => ClassAsciiKind::Digit,
        ClassPerlKind::Space => ClassAsciiKind::Space,
        ClassPerlKind::Word => ClassAsciiKind::Word,
    };
    ClassAscii { span: class.span, kind, negated: class.negated }
}

/// A program that is written from its end: what follows is known when a part is emitted.
struct Program {
    instructions: Vec<u64>,
}

impl Program {
    fn push(&mut self, op: u8, x: u16, y: u16) -> Result<u16, Refusal> {
        self.push_encoded(encode(op, [0; 3], x, y))
    }

    fn push_encoded(&mut self, instruction: u64) -> Result<u16, Refusal> {
        let place =
            u16::try_from(self.instructions.len()).ok().filter(|place| u32::from(*place) < limits::PROGRAM);
        let place = place.ok_or_else(|| refuse!("it needs more than {} instructions", limits::PROGRAM))?;
        self.instructions.push(instruction);
        Ok(place)
    }

    fn set(&mut self, place: u16, instruction: u64) {
        if let Some(slot) = self.instructions.get_mut(usize::from(place)) {
            *slot = instruction;
        }
    }

    /// Emits a part before `next`; the place where it begins.
    fn emit(&mut self, hir: &Hir, next: u16) -> Result<u16, Refusal> {
        match hir.kind() {
            HirKind::Empty => Ok(next),
            HirKind::Literal(literal) => {
                literal.0.iter().rev().try_fold(next, |next, byte| self.bytes(*byte, *byte, next))
            }
            HirKind::Class(class) => self.class(class, next),
            HirKind::Look(look) => {
                let look = look_code(*look)?;
                self.push_encoded(encode(instruction::LOOK, [0, 0, look], next, 0))
            }
            HirKind::Repetition(repetition) => self.repetition(repetition, next),
            HirKind::Capture(capture) => self.emit(&capture.sub, next),
            HirKind::Concat(parts) => parts.iter().rev().try_fold(next, |next, part| self.emit(part, next)),
            HirKind::Alternation(parts) => {
                let starts = parts.iter().map(|part| self.emit(part, next)).collect::<Result<Vec<_>, _>>()?;
                self.any_of(&starts)
            }
        }
    }

    fn bytes(&mut self, low: u8, high: u8, next: u16) -> Result<u16, Refusal> {
        self.push_encoded(encode(instruction::BYTES, [low, high, 0], next, 0))
    }

    /// A fork to all of some places; at least one.
    fn any_of(&mut self, starts: &[u16]) -> Result<u16, Refusal> {
        let (last, rest) = starts.split_last().ok_or_else(|| refuse!("it can never match"))?;
        rest.iter().rev().try_fold(*last, |other, start| self.push(instruction::SPLIT, *start, other))
    }

    /// The UTF-8 forms of a class; equal endings are emitted once.
    fn class(&mut self, class: &Class, next: u16) -> Result<u16, Refusal> {
        let mut endings: HashMap<(u8, u8, u16), u16> = HashMap::new();
        let mut starts = Vec::new();
        let ranges: Vec<Vec<(u8, u8)>> = match class {
            Class::Unicode(class) => class
                .ranges()
                .iter()
                .flat_map(|range| Utf8Sequences::new(range.start(), range.end()))
                .map(|sequence| sequence.as_slice().iter().map(|bytes| (bytes.start, bytes.end)).collect())
                .collect(),
            Class::Bytes(class) => {
                class.ranges().iter().map(|range| alloc::vec![(range.start(), range.end())]).collect()
            }
        };
        for sequence in ranges {
            let start = sequence.into_iter().rev().try_fold(next, |next, (low, high)| {
                if let Some(known) = endings.get(&(low, high, next)) {
                    return Ok::<u16, Refusal>(*known);
                }
                let place = self.bytes(low, high, next)?;
                endings.insert((low, high, next), place);
                Ok(place)
            })?;
            if !starts.contains(&start) {
                starts.push(start);
            }
        }
        self.any_of(&starts)
    }

    fn repetition(&mut self, repetition: &Repetition, next: u16) -> Result<u16, Refusal> {
        let mut start = next;
        match repetition.max {
            None => {
                let fork = self.push(instruction::SPLIT, next, next)?;
                let body = self.emit(&repetition.sub, fork)?;
                self.set(fork, encode(instruction::SPLIT, [0; 3], body, next));
                start = fork;
            }
            Some(max) => {
                for _ in repetition.min..max {
                    let body = self.emit(&repetition.sub, start)?;
                    start = self.push(instruction::SPLIT, body, next)?;
                }
            }
        }
        (0..repetition.min).try_fold(start, |next, _| self.emit(&repetition.sub, next))
    }
}

const fn encode(op: u8, [low, high, look]: [u8; 3], x: u16, y: u16) -> u64 {
    let ([x0, x1], [y0, y1]) = (x.to_le_bytes(), y.to_le_bytes());
    u64::from_le_bytes([op, low, high, look, x0, x1, y0, y1])
}

fn look_code(look: Look) -> Result<u8, Refusal> {
    Ok(match look {
        Look::Start => instruction::LOOK_START,
        Look::End => instruction::LOOK_END,
        Look::StartLF => instruction::LOOK_LINE_START,
        Look::EndLF => instruction::LOOK_LINE_END,
        Look::WordAscii | Look::WordUnicode => instruction::LOOK_WORD,
        Look::WordAsciiNegate | Look::WordUnicodeNegate => instruction::LOOK_NOT_WORD,
        _ => return Err(refuse!("it uses an assertion other than ^ $ \\A \\z \\b \\B")),
    })
}
