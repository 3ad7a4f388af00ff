//! ClickHouse's RowBinary, as far as the raw tables need it.
//!
//! Rows are encoded as they arrive and kept as bytes, so that a batch costs no allocation for each row and can be sent
//! again as it is.

/// Appends values to rows of RowBinary; the order of calls is the order of columns.
pub(crate) struct Encoder<'a>(pub(crate) &'a mut Vec<u8>);

impl Encoder<'_> {
    /// `FixedString(N)`.
    pub(crate) fn fixed(self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// `String` and `LowCardinality(String)`: the length as LEB128, then the bytes.
    pub(crate) fn text(self, text: &str) -> Self {
        self.texts(&[text])
    }

    /// `String` made of parts that are joined without a separator.
    pub(crate) fn texts(self, parts: &[&str]) -> Self {
        leb128(self.0, parts.iter().map(|part| part.len()).sum());
        for part in parts {
            self.0.extend_from_slice(part.as_bytes());
        }
        self
    }

    /// `DateTime64(3)`: milliseconds since 1970.
    pub(crate) fn millis(self, millis: i64) -> Self {
        self.fixed(&millis.to_le_bytes())
    }

    /// `UUID`: two little-endian numbers, the more significant half first.
    pub(crate) fn uuid(self, uuid: [u8; 16]) -> Self {
        let number = u128::from_be_bytes(uuid);
        let high = (number >> 64) as u64;
        // The lower 64 bits are meant.
        let low = (number & u128::from(u64::MAX)) as u64;
        self.fixed(&high.to_le_bytes()).fixed(&low.to_le_bytes())
    }

    /// `Float64`.
    pub(crate) fn float(self, value: f64) -> Self {
        self.fixed(&value.to_le_bytes())
    }

    /// `Map(String, String)`.
    pub(crate) fn map<'t>(self, entries: impl ExactSizeIterator<Item = (&'t str, &'t str)>) -> Self {
        leb128(self.0, entries.len());
        entries.fold(self, |encoder, (name, value)| encoder.text(name).text(value))
    }

    /// `UInt16`.
    pub(crate) fn u16(self, value: u16) -> Self {
        self.fixed(&value.to_le_bytes())
    }

    /// `UInt64`.
    pub(crate) fn u64(self, value: u64) -> Self {
        self.fixed(&value.to_le_bytes())
    }
}

fn leb128(to: &mut Vec<u8>, mut number: usize) {
    while number > 0x7f {
        to.push(0x80 | (number & 0x7f) as u8);
        number >>= 7;
    }
    to.push((number & 0x7f) as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expected bytes from ClickHouse 26.7: `select … format RowBinary`, in hex.
    #[test]
    fn values_are_encoded_as_clickhouse_writes_them() {
        let mut row = Vec::new();
        let entries = [("a", "b")];
        Encoder(&mut row)
            .fixed(b"0123456789abcdef")
            .text("größe")
            .texts(&["checkout", "/", "conversion"])
            .millis(1_795_600_800_123)
            .uuid(0x01981b2e_6f3a_7c11_8a4b_0123456789ab_u128.to_be_bytes())
            .float(-2.5)
            .map(entries.iter().copied())
            .u16(513)
            .u64(1 << 40);
        let hex: String = row.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(
            hex,
            "30313233343536373839616263646566076772c3b6c39f6513636865636b6f75742f636f6e76657273696f6e7bd92512a2010000117c3a6f2e1b9801ab89674523014b8a00000000000004c0010161016201020000000000010000"
        );
    }

    #[test]
    fn long_texts_have_a_length_of_several_bytes() {
        let mut row = Vec::new();
        Encoder(&mut row).text(&"x".repeat(300));
        assert_eq!(row.get(..2), Some(&[0xac, 0x02][..]));
        assert_eq!(row.len(), 302);
    }
}
