use super::{IN_ALL, Posts, TO_ONE};
use crate::name::As2Name;

fn partner(number: usize) -> As2Name {
    As2Name::new(format!("partner {number}")).unwrap()
}

#[test]
fn one_partner_takes_no_place_of_another() {
    let posts = Posts::default();
    let turns: Vec<_> = (0..TO_ONE).map(|_| posts.turn(&partner(1)).unwrap()).collect();
    assert!(posts.turn(&partner(1)).is_none());
    assert!(posts.turn(&partner(2)).is_some());
    drop(turns);
    assert!(posts.turn(&partner(1)).is_some());
}

#[test]
fn all_partners_together_have_a_limit() {
    let posts = Posts::default();
    let mut turns: Vec<_> = (0..IN_ALL)
        .map(|number| posts.turn(&partner(number)).unwrap())
        .collect();
    assert!(posts.turn(&partner(IN_ALL)).is_none());
    turns.pop();
    let last = posts.turn(&partner(IN_ALL));
    assert!(last.is_some() && posts.turn(&partner(IN_ALL)).is_none());
    drop((turns, last));
    assert!(posts.0.lock().unwrap().is_empty());
}
