// The main job from C++: a prompt becomes frames in memory, through the local gateway. With a key
// and no gateway the same lines ask the real service.

#include <klio/error.h>
#include <klio/frame.h>
#include <klio/local.h>
#include <klio/session.h>

#include <cstdio>

int main()
try {
    klio::Settings settings;
    klio::LocalGatewayOptions local;
    local.latency = 0;
    klio::LocalGateway gateway(local);

    klio::Request request;
    request.prompt = "A lighthouse on a cliff at dawn";
    request.aspect_ratio = "3:2";
    request.num_images = 2;

    klio::GenerateOptions options;
    options.endpoint = gateway.endpoint();
    options.endpoint_identity = "local";
    options.key = "local-gateway";

    klio::Session session(settings);
    const klio::StoredSet set = session.generate(request, options);
    for (const klio::StoredFrame& stored : set.frames) {
        const klio::Frame frame = klio::load_frame(set, stored.index, klio::FrameOptions());
        std::printf("frame %d: %dx%d, %s\n", stored.index, frame.image.spec().width,
                    frame.image.spec().height,
                    frame.image.spec().get_string_attribute("oiio:ColorSpace").c_str());
    }
    return 0;
} catch (const klio::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return error.exit_code();
}
