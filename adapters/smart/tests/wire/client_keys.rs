//! Keys of imaginary clients: made for these tests, used nowhere else.

/// An RSA key of 2048 bits (PKCS #1).
pub const RSA: &str = "\
    MIIEowIBAAKCAQEAoL3heRy9h6C0AEkuU-cT0VhhvdCPIyaCRJEyxxUGBLCFQvCWO7X1nFvfrosY0prPXIkGzlMtTyKFn_bxhc5-aFEpU1VvxA\
    MAvstgTgrYY625M9IaxU3zrPdxQCbWaqdDU-a8npc6jPP2zeybeS1A2wgGv0nREJPf1KC78yw3zoISBLQY9VG-JYgY-dFDbSNbWDF_NE-SpM0Q\
    FmpxE_lxEHr7_dUCJrVrGBltYs44MLJFXTXotCAeM2Nf00TPvUln7uEsyTvHQ6oPzNWYLwh-UpkskMHgqCWGgYA3PKJ13pZ6OlMgh6tNAlkXBq\
    HFk7uW_Iquc6SpqogtWBUR-T7bgQIDAQABAoIBAACTd88pcJ1ZxQnqUH8NTBVLHTNI5aVU1Gg6aG_Eqb8tMSIoanlp2h0SMwkPUwHbqeXCUNz5\
    PrMYlVkw0Wjawi5k4vm1brgmm-B75F-ZCyuSGMOWXn0Cb162c8EhPK7XEuK9lqCjx0jkfDOfuH5e59QBHn7jorJN6-gFB6AhJtjGSY2EB2uSDM\
    ztKq669U2EWJNvS4x7tPqeuI7BXn0Y_AM6IsTSwAkvZ9B_DAze3WpsUR2LBVusUOMsamgfjbSGVsiz2R2eFIH4ODpWbSo7eLJIOw5whNInLxVt\
    GIFOJTgB1wUedqgX2hG8I40qQlpUNCuF0ZpGlKYyS98Y0tuBXmECgYEA23TN605kAiOH2y0iUngVlBeldh3pzxrQZej4mMUslx_sCssYtq8FMa\
    XwrPSbTag2PU_ZwpJDeoBrkoz4Imrajs0xV-Wjtrf0RaR-RfPm-_JSmWtQCI8KyhWkSBUiRlEruE3IZwr3aw3QbtEdI5p2pO_W7XKn87xm9ymr\
    SfQysBkCgYEAu4IisXuCj2SuX4Df2xXW1J7ffNGlt-Lmnyeg8bYU6yYnMvCSbxyKH-N4qrhpM_FETPk-oPEEzd-f65p4dryoxtqLanQzgASM_z\
    UnW9GAHoOIP9-aYq_QzePPhhPqPF3wM9-HjO8LM87zKhUfsIsE4n5FoH-S0Lq2K2XKS6ZE06kCgYBilDp3q9PyvgEl7EVRpE2VI3YY8-D2PkZE\
    sP0SqueXzygZxReJ4F7F6ZOOLaahoKEUs4zPASK8oXkw8I_57ePVZ8j1gdsjlchtjDGIvMIShMyjy_e8kHy5QDV2h7_ItGeeN5qA5wUzGpZ5YQ\
    fk2VrYRkBWkz1smEHsXtRpuP8X6QKBgQCYIjTt1W0P1LtZx2FZCzYbmq9vQVX4hYNiPC_sDTSZuYHyZZgZyIkU6GV99lN9DlLBNTSoNgUU2EyT\
    RuhYRieV97lH7PHf-1E-uyys5aTSnRuN32kOiuGaOyyj90KEKh96pvD-2vA238ERMsRcY97ZuWPancdLzUGConrouAV9yQKBgACrIJeEd3i9Nw\
    kvtksV5_t471nmyxEDpgBy3atJKTps7UqdEmxk1XL6nIbYAMCInbYiH1t1GKEjf-Cf2sMbZMGtrCVLZl6mwRDTtK4G7qjjkps3Uk6lHkeB_Tny\
    UZkpaE3nfhpzhSp8N8Bh_FAg5Vwt1azU1LdaO0ttEstlAAwd";

/// The modulus of [`RSA`].
pub const RSA_N: &str = "\
    oL3heRy9h6C0AEkuU-cT0VhhvdCPIyaCRJEyxxUGBLCFQvCWO7X1nFvfrosY0prPXIkGzlMtTyKFn_bxhc5-aFEpU1VvxAMAvstgTgrYY625M9\
    IaxU3zrPdxQCbWaqdDU-a8npc6jPP2zeybeS1A2wgGv0nREJPf1KC78yw3zoISBLQY9VG-JYgY-dFDbSNbWDF_NE-SpM0QFmpxE_lxEHr7_dUC\
    JrVrGBltYs44MLJFXTXotCAeM2Nf00TPvUln7uEsyTvHQ6oPzNWYLwh-UpkskMHgqCWGgYA3PKJ13pZ6OlMgh6tNAlkXBqHFk7uW_Iquc6Spqo\
    gtWBUR-T7bgQ";

/// A P-384 key (PKCS #8).
pub const EC: &str = "\
    MIG2AgEAMBAGByqGSM49AgEGBSuBBAAiBIGeMIGbAgEBBDDGuvPRC6plV9IbkgVOpd0i9uJrbGqtfrUIbfz3njo1OiAefaxjJOZfv-bPu527bN\
    ChZANiAATQmX1sxl4mn2s6wbdUWAgBT9TTtTWhLpdx9vR2k7CwebyGVEMbydmdDmTdR_034slbNs8feKTgHnNBwTKjzvG1LInbGIc3wIVonKzz\
    QzkrE9TlMUJEUZ-jy6zIewRyGMU";

/// The point of [`EC`].
pub const EC_X: &str = "0Jl9bMZeJp9rOsG3VFgIAU_U07U1oS6Xcfb0dpOwsHm8hlRDG8nZnQ5k3Uf9N-LJ";

/// The point of [`EC`].
pub const EC_Y: &str = "WzbPH3ik4B5zQcEyo87xtSyJ2xiHN8CFaJys80M5KxPU5TFCRFGfo8usyHsEchjF";

/// Another P-384 key.
pub const EC2: &str = "\
    MIG2AgEAMBAGByqGSM49AgEGBSuBBAAiBIGeMIGbAgEBBDCtAX1uh2Xu3J1NjklDis5vbHUnqe8IcpJV_1TNjnJSEcLzclvfeK07pJ9qigTJTD\
    mhZANiAASXYAUzMG70QJYcFhPqzbvkPdpWCPpi2VcZRl6QHuNk90iSvqFLv4m_3qHMIx_p4nWI9zMJuGiSqUREqZhNr-haKSX6afPJEw1LzZQY\
    oaRqtbd6mCgO_X9GePvvUkb4FWc";
