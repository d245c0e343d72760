#include "staging/kinds.h"

#include "base/encoding.h"

namespace klio::staging {

namespace {

/// A `data:` URI (RFC 2397) in the request itself: nothing is anywhere else, so nothing is to be
/// removed.
class InlineStage final : public Stage {
public:
    std::string kind() const override { return "inline"; }
    std::string identity() const override { return "inline"; }
    std::string name_of(const Object&) const override { return {}; }
    StagedUrl put(const Object& object, double, const CancelToken& cancel, Presence) override
    {
        cancel.check("staging");
        StagedUrl staged;
        staged.url = "data:" + object.media_type + ";base64,"
            + base::base64(object.bytes.data(), object.bytes.size());
        return staged;
    }
    void remove(const std::string&, const CancelToken&) override { }
};

} // namespace

std::unique_ptr<Stage> make_inline_stage()
{
    return std::make_unique<InlineStage>();
}

} // namespace klio::staging
