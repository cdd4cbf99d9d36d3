//! Values of statements, each of one type, so that the server need not be asked for it.

use tokio_postgres::types::{ToSql, Type};

/// A Rust type whose values are of one SQL type.
pub(crate) trait Typed {
    const TYPE: Type;
    /// The same without borrows.
    type Owned: Typed + ToSql + Send + Sync + 'static;

    /// A copy that borrows nothing.
    fn owned(&self) -> Self::Owned;
}

/// A value to be sent with a statement.
pub(crate) trait Value {
    fn sql_type(&self) -> Type;
    fn as_sql(&self) -> &(dyn ToSql + Sync);
    /// A copy that borrows nothing, for another thread.
    fn boxed(&self) -> OwnedValue;
}

/// A value that borrows nothing.
pub(crate) type OwnedValue = Box<dyn Value + Send + Sync>;

impl<T: Typed + ToSql + Sync> Value for T {
    fn sql_type(&self) -> Type {
        T::TYPE
    }

    fn as_sql(&self) -> &(dyn ToSql + Sync) {
        self
    }

    fn boxed(&self) -> OwnedValue {
        Box::new(self.owned())
    }
}

impl<T: Typed> Typed for Option<T> {
    const TYPE: Type = T::TYPE;
    type Owned = Option<T::Owned>;

    fn owned(&self) -> Self::Owned {
        self.as_ref().map(T::owned)
    }
}

macro_rules! typed {
    ($($rust:ty, $owned:ty => $one:ident, $array:ident;)*) => {$(
        impl Typed for $rust {
            const TYPE: Type = Type::$one;
            type Owned = $owned;

            fn owned(&self) -> $owned {
                (*self).to_owned()
            }
        }

        impl Typed for Vec<$rust> {
            const TYPE: Type = Type::$array;
            type Owned = Vec<$owned>;

            fn owned(&self) -> Self::Owned {
                self.iter().map(Typed::owned).collect()
            }
        }

        impl Typed for Vec<Option<$rust>> {
            const TYPE: Type = Type::$array;
            type Owned = Vec<Option<$owned>>;

            fn owned(&self) -> Self::Owned {
                self.iter().map(Typed::owned).collect()
            }
        }
    )*};
}

typed! {
    bool, bool => BOOL, BOOL_ARRAY;
    i16, i16 => INT2, INT2_ARRAY;
    i32, i32 => INT4, INT4_ARRAY;
    i64, i64 => INT8, INT8_ARRAY;
    f64, f64 => FLOAT8, FLOAT8_ARRAY;
    &str, String => TEXT, TEXT_ARRAY;
    String, String => TEXT, TEXT_ARRAY;
    &[u8], Vec<u8> => BYTEA, BYTEA_ARRAY;
    Vec<u8>, Vec<u8> => BYTEA, BYTEA_ARRAY;
}
