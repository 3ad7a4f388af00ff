//! Checked reading of fixed-size records from untrusted bytes: this file alone does the arithmetic.
//!
//! A record is read from a table by its index. Where the table's stride is larger than the record, a newer writer appended
//! fields that this reader does not know; where it is smaller, an older writer did not know the last fields, and they read
//! as zero. Nothing is required of the buffer's alignment.

#![deny(clippy::arithmetic_side_effects)]

/// A section of records.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Table<'a> {
    bytes: &'a [u8],
    stride: u16,
    count: u32,
}

impl<'a> Table<'a> {
    /// A table that holds nothing.
    pub(crate) const EMPTY: Self = Self { bytes: &[], stride: 1, count: 0 };

    /// A section of a file, if it lies inside.
    pub(crate) fn within(file: &'a [u8], offset: u32, stride: u16, count: u32) -> Option<Self> {
        if stride == 0 {
            return None;
        }
        // 16 bits times 32 bits cannot overflow 64.
        let size = u64::from(stride).wrapping_mul(u64::from(count));
        let bytes = file.get(usize::try_from(offset).ok()?..)?.get(..usize::try_from(size).ok()?)?;
        Some(Self { bytes, stride, count })
    }

    /// Number of records.
    #[inline]
    pub(crate) const fn len(&self) -> u32 {
        self.count
    }

    /// The record at an index, or nothing where there is none.
    #[inline]
    pub(crate) fn record<const N: usize>(&self, index: u32) -> Option<[u8; N]> {
        // 32 bits times 16 bits cannot overflow 64.
        let start = u64::from(index).wrapping_mul(u64::from(self.stride));
        let rest = self.bytes.get(usize::try_from(start).ok()?..)?;
        if usize::from(self.stride) >= N { rest.first_chunk::<N>().copied() } else { self.short(rest) }
    }

    /// The record at an index in place, for records that no writer ever wrote shorter.
    #[inline(always)]
    pub(crate) fn in_place<const N: usize>(&self, index: u32) -> Option<&'a [u8; N]> {
        if usize::from(self.stride) != N {
            return self.in_longer(index);
        }
        // As long as today's, which is known here: no multiplication by what stands in the file.
        let start = u64::from(index).wrapping_mul(N as u64);
        self.bytes.get(usize::try_from(start).ok()?..)?.first_chunk::<N>()
    }

    /// The start of a record that a newer writer made longer.
    #[cold]
    fn in_longer<const N: usize>(&self, index: u32) -> Option<&'a [u8; N]> {
        let start = u64::from(index).wrapping_mul(u64::from(self.stride));
        self.bytes.get(usize::try_from(start).ok()?..)?.first_chunk::<N>()
    }

    /// A record of an older writer, filled up with zeros.
    #[cold]
    fn short<const N: usize>(&self, rest: &[u8]) -> Option<[u8; N]> {
        let mut record = [0; N];
        let known = rest.get(..usize::from(self.stride))?;
        record.get_mut(..known.len())?.copy_from_slice(known);
        Some(record)
    }

    /// `len` bytes from `start`, in a table of single bytes.
    #[inline]
    pub(crate) fn bytes(&self, start: u32, len: u32) -> Option<&'a [u8]> {
        self.bytes.get(usize::try_from(start).ok()?..)?.get(..usize::try_from(len).ok()?)
    }

    /// `len` records from `first` as a table of their own.
    #[inline]
    pub(crate) fn slice(&self, first: u32, len: u32) -> Option<Self> {
        let stride = u64::from(self.stride);
        let start = usize::try_from(u64::from(first).wrapping_mul(stride)).ok()?;
        let size = usize::try_from(u64::from(len).wrapping_mul(stride)).ok()?;
        Some(Self { bytes: self.bytes.get(start..)?.get(..size)?, stride: self.stride, count: len })
    }

    /// All records at once, in a table whose records have never been longer. None are none, whatever their length: a section
    /// that holds nothing is left out of the file.
    #[inline]
    pub(crate) fn chunks<const N: usize>(&self) -> Option<&'a [[u8; N]]> {
        (usize::from(self.stride) == N || self.count == 0).then_some(self.bytes.as_chunks::<N>().0)
    }

    /// Position of the record whose first eight bytes are `wanted`, in a table sorted by them.
    pub(crate) fn find_u64(&self, wanted: u64) -> Option<u32> {
        let mut low = 0u32;
        let mut high = self.len();
        while low < high {
            let middle = low.midpoint(high);
            let value = u64::from_le_bytes(self.record::<8>(middle)?);
            match value.cmp(&wanted) {
                core::cmp::Ordering::Less => low = middle.wrapping_add(1),
                core::cmp::Ordering::Greater => high = middle,
                core::cmp::Ordering::Equal => return Some(middle),
            }
        }
        None
    }
}

/// Declares a record once: its fields, reading and (for the compiler) writing.
macro_rules! record {
    ($(#[$doc:meta])* $name:ident, $size:literal, { $($(#[$field_doc:meta])* $field:ident: $type:ty = $offset:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq)]
        pub(crate) struct $name { $($(#[$field_doc])* pub(crate) $field: $type),+ }

        impl $name {
            /// Bytes of the record as this version writes it.
            #[cfg(feature = "compile")]
            pub(crate) const SIZE: usize = $size;

            /// The fields of a record.
            #[inline]
            fn parse(bytes: &[u8; $size]) -> Self {
                Self { $($field: <$type>::from_le_bytes(crate::bundle::table::field::<$offset, _, $size>(bytes))),+ }
            }

            /// The record at an index of a table.
            #[inline]
            pub(crate) fn at(table: &crate::bundle::table::Table<'_>, index: u32) -> Option<Self> {
                Some(Self::parse(&table.record::<$size>(index)?))
            }

            /// The bytes of the record.
            #[cfg(feature = "compile")]
            pub(crate) fn bytes(&self) -> [u8; $size] {
                let mut bytes = [0; $size];
                $(crate::bundle::table::put(&mut bytes, $offset, &self.$field.to_le_bytes());)+
                bytes
            }
        }
    };
}
pub(crate) use record;

/// Declares a view of a record: each field is read from the bundle when it is asked for, not before.
macro_rules! view {
    ($(#[$doc:meta])* $name:ident, $size:literal, { $($field:ident: $type:ty = $offset:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub(crate) struct $name<'a>(&'a [u8; $size]);

        impl<'a> $name<'a> {
            /// The record at an index of a table.
            #[inline(always)]
            pub(crate) fn at(table: &crate::bundle::table::Table<'a>, index: u32) -> Option<Self> {
                table.in_place(index).map(Self)
            }

            $(
                #[allow(dead_code, reason = "the fields are declared once, and not every reader needs all of them")]
                #[inline(always)]
                pub(crate) fn $field(&self) -> $type {
                    <$type>::from_le_bytes(crate::bundle::table::field::<$offset, _, $size>(self.0))
                }
            )+
        }
    };
}
pub(crate) use view;

/// A field at a fixed offset; both are known when this is compiled, so the check costs nothing.
#[inline]
pub(crate) fn field<const OFFSET: usize, const LEN: usize, const SIZE: usize>(
    bytes: &[u8; SIZE],
) -> [u8; LEN] {
    const {
        assert!(OFFSET <= SIZE && LEN <= SIZE.wrapping_sub(OFFSET), "a field lies outside its record");
    }
    match bytes.get(OFFSET..).and_then(<[u8]>::first_chunk::<LEN>) {
        Some(field) => *field,
        None => [0; LEN],
    }
}

/// Writes a field; the record macro passes offsets that [`field`] has checked.
#[cfg(feature = "compile")]
pub(crate) fn put(bytes: &mut [u8], offset: usize, field: &[u8]) {
    for (slot, byte) in bytes.iter_mut().skip(offset).zip(field) {
        *slot = *byte;
    }
}
