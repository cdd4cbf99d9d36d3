//! Ordinary least squares with up to three unknowns, by the normal equations.

/// Weights of three columns that bring their sum nearest to the wanted figures, in the sense of least
/// squares; a column that is not `used` gets none. Each row is (columns, wanted). `None` where the
/// rows do not determine them.
pub(super) fn solve(rows: &[([f64; 3], f64)], used: [bool; 3]) -> Option<[f64; 3]> {
    let mut matrix = [[0.0_f64; 4]; 3];
    for (columns, wanted) in rows {
        for (equation, one) in matrix.iter_mut().zip(columns) {
            let (last, others) = equation.split_last_mut()?;
            for (cell, other) in others.iter_mut().zip(columns) {
                *cell += one * other;
            }
            *last += one * wanted;
        }
    }
    for (index, unused) in used.iter().map(|used| !used).enumerate() {
        if unused {
            for equation in &mut matrix {
                *equation.get_mut(index)? = 0.0;
            }
            let equation = matrix.get_mut(index)?;
            *equation = [0.0; 4];
            *equation.get_mut(index)? = 1.0;
        }
    }
    eliminate(matrix)
}

/// Gauss and Jordan's elimination; the pivot is the largest of its column.
fn eliminate(mut matrix: [[f64; 4]; 3]) -> Option<[f64; 3]> {
    for column in 0..3 {
        let size = |row: &usize| {
            matrix.get(*row).and_then(|row| row.get(column)).map_or(0.0, |cell| cell.abs())
        };
        let pivot = (column..3).max_by(|one, other| size(one).total_cmp(&size(other)))?;
        matrix.swap(column, pivot);
        let pivot = *matrix.get(column)?;
        let divisor = *pivot.get(column)?;
        if divisor.abs() < f64::MIN_POSITIVE {
            return None;
        }
        let pivot = pivot.map(|cell| cell / divisor);
        for (row, equation) in matrix.iter_mut().enumerate() {
            if row == column {
                *equation = pivot;
                continue;
            }
            let factor = *equation.get(column)?;
            for (cell, other) in equation.iter_mut().zip(pivot) {
                *cell -= factor * other;
            }
        }
    }
    let solution = matrix.map(|[.., last]| last);
    solution.iter().all(|weight| weight.is_finite()).then_some(solution)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plane_through_its_own_points_is_found_again() {
        let points = [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (2.0, 3.0), (-1.0, 5.0)];
        let row = |(x, y)| ([1.0, x, y], 4.0 - 2.0 * x + 0.5 * y);
        let found = solve(&points.map(row), [true; 3]).unwrap_or_default();
        for (found, expected) in found.iter().zip([4.0, -2.0, 0.5]) {
            assert!((found - expected).abs() < 1e-12, "{found} {expected}");
        }
    }

    #[test]
    fn a_column_that_is_not_used_has_no_weight() {
        let rows = [([1.0, 7.0, 1.0], 1.0), ([1.0, -2.0, 2.0], 3.0), ([1.0, 3.0, 3.0], 5.0)];
        let [constant, unused, slope] = solve(&rows, [true, false, true]).unwrap_or_default();
        assert!((constant + 1.0).abs() < 1e-12 && (slope - 2.0).abs() < 1e-12);
        assert_eq!(unused, 0.0);
    }

    #[test]
    fn rows_that_do_not_determine_the_weights_have_no_answer() {
        assert_eq!(solve(&[([1.0, 1.0, 1.0], 2.0); 4], [true; 3]), None);
    }
}
