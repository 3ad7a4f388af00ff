//! Cursors of lists: the sort tuple of the last item, opaque to callers.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;
use utoipa::ToSchema;

use crate::http::problem::{Kind, Problem};

const DEFAULT_LIMIT: i64 = 50;
const LARGEST_LIMIT: i64 = 200;

/// One page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Page<T> {
    /// What is on this page.
    pub(crate) items: Vec<T>,
    /// For `cursor` of the next request; absent on the last page.
    pub(crate) next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// A page from one item more than it holds; the surplus item tells that there is another page.
    pub(crate) fn of<R, C: Serialize>(
        mut rows: Vec<R>,
        limit: i64,
        cursor: impl FnOnce(&R) -> C,
        item: impl FnMut(R) -> T,
    ) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next_cursor = rows.last().filter(|_| more).map(|last| encode(&cursor(last)));
        Self { items: rows.into_iter().map(item).collect(), next_cursor }
    }
}

/// How many items a page has.
pub(crate) fn limit(asked: Option<&str>) -> Result<i64, Problem> {
    let Some(asked) = asked else { return Ok(DEFAULT_LIMIT) };
    match asked.parse() {
        Ok(limit @ 1..=LARGEST_LIMIT) => Ok(limit),
        _ => Err(Problem::new(Kind::BadParameter, format!("limit is 1 to {LARGEST_LIMIT}, not `{asked}`"))),
    }
}

/// Reads a cursor.
pub(crate) fn decode<T: DeserializeOwned>(cursor: Option<&str>) -> Result<Option<T>, Problem> {
    let Some(text) = cursor else { return Ok(None) };
    let bytes = URL_SAFE_NO_PAD.decode(text).ok();
    bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()).map(Some).ok_or_else(|| {
        Problem::new(Kind::BadCursor, "take the cursor from next_cursor of the page before, as it is")
    })
}

fn encode<T: Serialize>(tuple: &T) -> String {
    // Tuples of numbers and strings always have a JSON form.
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(tuple).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_knows_whether_there_is_another_one() {
        let page = Page::of(vec![1, 2, 3], 2, |last| (*last, "x"), |row| row * 10);
        assert_eq!(page.items, [10, 20]);
        let cursor: Option<(i32, String)> = decode(page.next_cursor.as_deref()).ok().flatten();
        assert_eq!(cursor, Some((2, "x".to_owned())));
        assert_eq!(Page::of(vec![1, 2], 2, |last| *last, |row| row).next_cursor, None);
    }

    #[test]
    fn what_is_no_cursor_or_limit_is_refused() {
        assert!(decode::<(i64, String)>(Some("%%")).is_err());
        assert!(decode::<(i64, String)>(Some("e30")).is_err());
        assert_eq!(limit(None).ok(), Some(50));
        assert_eq!(limit(Some("200")).ok(), Some(200));
        for bad in ["0", "201", "-1", "many"] {
            assert!(limit(Some(bad)).is_err(), "{bad}");
        }
    }
}
