//! One definition of every key: [`section!`] makes the struct that is read into, the reader, and
//! the [`SectionInfo`] from which the documentation and the sample are made.

/// A table of the configuration, as the documentation needs it.
#[derive(Debug)]
pub(crate) struct SectionInfo {
    /// Its name, with those of the tables around it.
    pub(crate) path: &'static str,
    /// What it is for.
    pub(crate) about: &'static str,
    /// Its keys, in the order of the documentation.
    pub(crate) keys: &'static [KeyInfo],
}

/// A key of a table.
#[derive(Debug)]
pub(crate) struct KeyInfo {
    /// Its name.
    pub(crate) name: &'static str,
    /// What its value is, in words.
    pub(crate) kind: fn() -> String,
    /// The definition of its value, when that is a table or a list of tables.
    pub(crate) table: Option<&'static SectionInfo>,
    /// Whether it must be there, and what holds when it is not.
    pub(crate) presence: Presence,
    /// What it does.
    pub(crate) about: &'static str,
    /// What its value counts.
    pub(crate) unit: Option<&'static str>,
    /// What goes wrong with a wrong value.
    pub(crate) danger: Option<&'static str>,
    /// A value, as TOML.
    pub(crate) sample: &'static str,
}

/// Whether a key must be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Presence {
    /// It must.
    Required,
    /// It need not be, and nothing stands in for it.
    Optional,
    /// When it is not, this value holds, written as TOML.
    Default(&'static str),
}

/// Defines a table: per key its name in the file, the field, the type, the presence, a sample
/// value as TOML, and where they apply a unit and a danger.
macro_rules! section {
    (
        $(#[doc = $section_doc:literal])+
        $vis:vis struct $Name:ident: $path:literal {
            $(
                $(#[doc = $doc:literal])+
                $key:literal => $field:ident: $Type:ty, $presence:expr, sample $sample:literal
                    $(, unit $unit:literal)? $(, danger $danger:literal)?;
            )+
        }
    ) => {
        $(#[doc = $section_doc])+
        #[derive(Debug, Clone)]
        $vis struct $Name {
            $( $(#[doc = $doc])+ $vis $field: $Type, )+
        }

        impl $Name {
            pub(crate) const INFO: $crate::reading::section::SectionInfo =
                $crate::reading::section::SectionInfo {
                    path: $path,
                    about: concat!($($section_doc, "\n"),+),
                    keys: &[$(
                        $crate::reading::section::KeyInfo {
                            name: $key,
                            kind: <$Type as $crate::reading::reader::FromValue>::kind,
                            table: <$Type as $crate::reading::reader::FromValue>::TABLE,
                            presence: {
                                #[allow(unused_imports, reason = "not every table uses each")]
                                use $crate::reading::section::Presence::{
                                    Default, Optional, Required,
                                };
                                $presence
                            },
                            about: concat!($($doc, "\n"),+),
                            unit: $crate::reading::section::or_none!($($unit)?),
                            danger: $crate::reading::section::or_none!($($danger)?),
                            sample: $sample,
                        },
                    )+],
                };
        }

        impl $crate::reading::reader::FromValue for $Name {
            const TABLE: Option<&'static $crate::reading::section::SectionInfo> =
                Some(&Self::INFO);

            fn kind() -> String {
                "a table".to_owned()
            }

            fn from_value(
                item: &$crate::reading::reader::Item<'_>,
                reader: &mut $crate::reading::reader::Reader<'_>,
            ) -> Option<Self> {
                let table = reader.table(item, &Self::INFO)?;
                // All are read before the first that is missing ends it: every fault is told.
                $( let $field = reader.key(&table, $key); )+
                Some(Self { $( $field: $field?, )+ })
            }
        }
    };
}

macro_rules! or_none {
    () => {
        None
    };
    ($value:literal) => {
        Some($value)
    };
}

pub(crate) use {or_none, section};
