//! People sign in by real identity providers, OpenID Connect and SAML: the whole way of a browser, and what must not work.
//!
//! Runs where `TEST_PROVIDERS` says that the providers are (`tests/providers/run` fetches them); otherwise shows as ignored.
//! `REQUIRE_PROVIDERS=1` turns that into failures.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

mod oidc;
mod pysaml2;
mod saml;

use libtest_mimic::Arguments;
use std::process::ExitCode;
use tests::trials::with_providers;

const PROGRAM: &str = env!("CARGO_BIN_EXE_sealgate-under-test");

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let trials = vec![
        with_providers(
            "a_mapped_person_signs_in_reads_and_signs_out",
            oidc::a_mapped_person_signs_in_reads_and_signs_out,
        ),
        with_providers(
            "who_fits_no_rule_or_shows_no_second_factor_gets_none",
            oidc::who_fits_no_rule_or_shows_no_second_factor_gets_none,
        ),
        with_providers("an_answer_is_good_for_one_browser_and_once", oidc::an_answer_is_good_for_one_browser_and_once),
        with_providers(
            "a_key_of_ours_shows_the_provider_who_we_are",
            oidc::a_key_of_ours_shows_the_provider_who_we_are,
        ),
        with_providers(
            "a_session_is_good_for_its_tenant_and_ends_with_its_connection",
            oidc::a_session_is_good_for_its_tenant_and_ends_with_its_connection,
        ),
        with_providers("a_mapped_person_signs_in_by_saml_and_the_response_is_good_once", saml::signs_in),
        with_providers("who_fits_no_rule_gets_no_session_by_saml", saml::refuses_the_unmapped),
        with_providers("pysaml2_signs_people_in_however_it_signs_and_encrypts", pysaml2::signs_in),
        with_providers("signing_out_here_signs_out_at_pysaml2", pysaml2::is_told_of_signing_out),
        with_providers("signing_out_at_pysaml2_signs_out_here", pysaml2::tells_of_signing_out),
    ];
    libtest_mimic::run(&arguments, trials).exit_code()
}
