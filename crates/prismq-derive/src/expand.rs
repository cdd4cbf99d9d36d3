//! The implementation that is derived.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::ext::IdentExt as _;
use syn::{
    Data, DeriveInput, Error, Generics, LitStr, Result, Type, parse_quote, parse_quote_spanned,
};

use crate::attributes::Attributes;
use crate::values::{Backoff, Hold, check_name};

/// `impl Task` for the type.
pub(crate) fn task(input: &DeriveInput) -> Result<TokenStream> {
    let ident = &input.ident;
    if let Data::Union(data) = &input.data {
        return Err(Error::new(data.union_token.span, "a task is a struct or an enum"));
    }
    if let Some(lifetime) = input.generics.lifetimes().next() {
        let message = "a task is stored, so that it cannot borrow: give it owned data";
        return Err(Error::new_spanned(lifetime, message));
    }
    let attributes = Attributes::read(&input.attrs)?;
    let name = match &attributes.name {
        Some(name) => name.clone(),
        None => LitStr::new(&snake_case(&ident.unraw().to_string()), ident.span()),
    };
    check_name(&name)?;
    let options = options(&attributes);
    // At the type's name, so that an error of a trait it lacks points there.
    let codec: Type =
        attributes.codec.unwrap_or_else(|| parse_quote_spanned!(ident.span()=> ::prismq::Json));
    let output = attributes.output.unwrap_or_else(|| parse_quote!(()));
    let generics = with_bounds(&input.generics, &codec);
    let (impl_generics, type_generics, where_clause) = generics.split_for_impl();
    let head = quote_spanned!(ident.span()=> ::prismq::Task for #ident #type_generics);
    Ok(quote! {
        #[automatically_derived]
        impl #impl_generics #head #where_clause {
            const TYPE: &'static str = #name;
            type Output = #output;
            type Codec = #codec;
            #options
        }
    })
}

/// The function that returns the type's defaults, if it has some.
fn options(attributes: &Attributes) -> Option<TokenStream> {
    let Attributes {
        queue, priority, max_attempts, requires, limit, unique, expires_after, ..
    } = attributes;
    let Attributes { keep, backoff, timeout, .. } = attributes;
    let queue = queue.as_ref().map(|queue| quote!(.queue(#queue)));
    let priority = priority.map(|priority| quote!(.priority(#priority)));
    let max_attempts = max_attempts.map(|attempts| quote!(.max_attempts(#attempts)));
    let requires = requires.as_ref().map(|names| quote!(.requires([#(#names),*])));
    let limit = limit.as_ref().map(|limit| quote!(.limit(#limit)));
    let unique = unique.as_ref().map(|hold| {
        let hold = match hold {
            Hold::UntilDone => quote!(.until_done()),
            Hold::WhileWaiting => quote!(.while_waiting()),
            Hold::Period(period) => {
                let period = duration(*period);
                quote!(.for_period(#period))
            }
        };
        quote!(.unique(::prismq::Unique::payload()#hold))
    });
    let expires_after = expires_after.map(|time| {
        let time = duration(time);
        quote!(.expires_after(#time))
    });
    let keep = keep.map(|time| {
        let time = duration(time);
        quote!(.keep(#time))
    });
    let backoff = backoff.as_ref().map(|backoff| {
        let policy = policy(backoff);
        quote!(.backoff(#policy))
    });
    let timeout = timeout.map(|limit| {
        let limit = duration(limit);
        quote!(.timeout(#limit))
    });
    let parts = [
        queue,
        priority,
        max_attempts,
        requires,
        limit,
        unique,
        expires_after,
        keep,
        backoff,
        timeout,
    ];
    if parts.iter().all(Option::is_none) {
        return None;
    }
    let parts = parts.iter().flatten();
    Some(quote! {
        fn options() -> ::prismq::TaskOptions {
            ::prismq::TaskOptions::new() #(#parts)*
        }
    })
}

fn policy(backoff: &Backoff) -> TokenStream {
    match backoff {
        Backoff::Fixed(delay) => {
            let delay = duration(*delay);
            quote!(::prismq::RetryPolicy::fixed(#delay))
        }
        Backoff::Growing(first, last) => {
            let (first, last) = (duration(*first), duration(*last));
            quote! {
                ::prismq::RetryPolicy {
                    initial: #first,
                    max: #last,
                    ..::core::default::Default::default()
                }
            }
        }
    }
}

fn duration(millis: u64) -> TokenStream {
    quote!(::core::time::Duration::from_millis(#millis))
}

/// The type's parameters, bound to what makes it a task.
fn with_bounds(generics: &Generics, codec: &Type) -> Generics {
    let mut generics = generics.clone();
    if generics.type_params().next().is_some() {
        let bounds = generics.make_where_clause();
        bounds.predicates.push(parse_quote!(Self: ::core::marker::Send + 'static));
        bounds.predicates.push(parse_quote!(#codec: ::prismq::Codec<Self>));
    }
    generics
}

/// The name of a type in snake case: `HTTPFetch` becomes `http_fetch`.
fn snake_case(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut snake = String::with_capacity(name.len());
    for (index, letter) in letters.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|before| letters.get(before));
        let next_is_lower = letters.get(index + 1).is_some_and(|next| next.is_lowercase());
        let begins_word = letter.is_uppercase()
            && before.is_some_and(|before| {
                before.is_lowercase()
                    || before.is_numeric()
                    || (before.is_uppercase() && next_is_lower)
            });
        if begins_word {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::snake_case;

    #[test]
    fn a_type_is_named_in_snake_case() {
        let names =
            ["Hello", "SendMail", "HTTPFetch", "Sha256Sum", "Resize2D", "already_snake", "A"];
        let snake =
            ["hello", "send_mail", "http_fetch", "sha256_sum", "resize2_d", "already_snake", "a"];
        assert_eq!(names.map(snake_case), snake.map(str::to_owned));
    }
}
